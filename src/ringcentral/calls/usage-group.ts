/**
 * RingCentral's rate limit groups; every call counts in one of them, per user and app.
 * https://developers.ringcentral.com/guide/basics/rate-limits
 */
export type UsageGroup = "light" | "medium" | "heavy" | "auth";
