/** How long a Check keeps a question in demand, in milliseconds. */
export const ASKED_LATELY_MS = 60_000;

// A snapshot is renewed before it is too old to answer from.
export const RENEW_AT = 0.8;
/** What push keeps current is read again this often all the same, in milliseconds: nothing is believed for ever. */
export const RECONCILE_MS = 300_000;
/** However small max_age is, scheduled reads of one question are no closer than this, in milliseconds. */
export const SHORTEST_INTERVAL_MS = 250;

/** How often every question in demand can be read within the budget, in milliseconds. */
export function achievableAgeMs(questionsInDemand: number, scheduledPerMinute: number): number {
  return (questionsInDemand * 60_000) / scheduledPerMinute;
}

/** Time between scheduled reads of a question, in milliseconds: soon enough for max_age, as far as the budget goes. */
export function readIntervalMs(smallestMaxAgeMs: number, achievableMs: number): number {
  return Math.max(RENEW_AT * smallestMaxAgeMs, achievableMs, SHORTEST_INTERVAL_MS);
}

/** When to read again after a failure, Unix milliseconds: where nothing says how long to wait, not at once all the same. */
export function retryAt(until: number, now: number): number {
  return until > now ? until : now + SHORTEST_INTERVAL_MS;
}
