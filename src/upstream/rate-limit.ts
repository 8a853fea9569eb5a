/** What RingCentral says of a usage group with nearly every answer. */
export interface RateLimit {
  /** As RingCentral calls it, in lower case, for example "light"; the names may change. */
  readonly group: string;
  /** Requests per window. */
  readonly limit: number;
  /** Requests left in the window. */
  readonly left: number;
  readonly windowSeconds: number;
}

const WINDOW_SECONDS = 60;

/**
 * The usage group's state in an answer's headers, their names in lower case; undefined unless all of it can be believed.
 * https://developers.ringcentral.com/guide/basics/rate-limits
 */
export function readRateLimit(headers: Readonly<Record<string, string>>): RateLimit | undefined {
  const group = headers["x-rate-limit-group"]?.trim().toLowerCase() ?? "";
  const limit = wholeNumber(headers["x-rate-limit-limit"]);
  const left = wholeNumber(headers["x-rate-limit-remaining"]);
  const windowSeconds = wholeNumber(headers["x-rate-limit-window"] ?? `${WINDOW_SECONDS}`);
  if (!/^[a-z0-9_-]{1,32}$/.test(group) || !limit || left === undefined || !windowSeconds) return undefined;
  return { group, limit, left, windowSeconds };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}
