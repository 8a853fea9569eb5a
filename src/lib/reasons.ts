/** What the acceptance criteria say; the names are the contract's, without their prefix. */
export type Verdict = "ACCEPTED" | "REJECTED" | "UNDECIDED";

/** RingCentral's trouble. */
export type UpstreamReason =
  | "UPSTREAM_UNAUTHENTICATED"
  | "UPSTREAM_PERMISSION_DENIED"
  | "UPSTREAM_NOT_FOUND"
  | "UPSTREAM_RATE_LIMITED"
  | "UPSTREAM_TIMEOUT"
  | "UPSTREAM_UNAVAILABLE"
  | "UPSTREAM_BAD_RESPONSE";

/** What evaluating a snapshot can come to. */
export type CriteriaReason = "CRITERIA_MET" | "CRITERIA_NOT_MET" | "PRESENCE_UNKNOWN" | "CRITERIA_FAILED";

/** Why an answer is what it is; exactly one holds. */
export type Reason =
  | CriteriaReason
  | UpstreamReason
  | "DESTINATION_DISABLED"
  | "OUTSIDE_HOURS"
  | "OVERRIDDEN"
  | "NOT_IN_TIME"
  | "NOT_OBSERVED_YET"
  | "DESTINATION_INVALID";

/** Where an answer comes from. */
export type Source = "LIVE" | "CACHE" | "PUSH" | "LAST_KNOWN" | "NONE";
