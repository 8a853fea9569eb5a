const LONGEST_MS = 3_600_000;

/**
 * The milliseconds that a Retry-After header (whole seconds, or an HTTP date) asks to wait from `now`, at most an hour;
 * undefined when it is absent, cannot be read or asks for no wait.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? "";
  // Date.parse() alone would take "-5", "1.5" and a lot more for dates.
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : /^[A-Z][a-z]{2}/.test(text)
      ? Date.parse(text) - now
      : Number.NaN;
  return ms > 0 ? Math.min(Math.ceil(ms), LONGEST_MS) : undefined;
}
