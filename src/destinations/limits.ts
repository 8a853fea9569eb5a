// The contract's limits and defaults for destinations; times in milliseconds.

export const LABEL_KEY_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,62}$/;
export const MAX_LABELS = 32;
export const MAX_LABEL_VALUE_BYTES = 128;
export const MAX_DISPLAY_NAME_BYTES = 200;

export const TIMEOUT = { unset: 10_000, min: 50, max: 60_000 };
export const MAX_AGE = { unset: 10_000, min: 0, max: 3_600_000 };
export const LAST_KNOWN_LIMIT = { unset: 30_000, min: 1_000, max: 3_600_000 };
