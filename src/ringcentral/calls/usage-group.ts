/**
 * RingCentral's rate limit groups; every call counts in one of them, per user and app.
 * https://developers.ringcentral.com/guide/basics/rate-limits
 */
export type UsageGroup = "light" | "medium" | "heavy" | "auth";

/** RingCentral's own limits per minute, assumed for what is scheduled until an answer names another. */
export const USUAL_LIMITS: Readonly<Record<UsageGroup, number>> = { light: 50, medium: 40, heavy: 10, auth: 5 };
