import type { Reason, Source, UpstreamReason, Verdict } from "../lib/reasons.ts";
import { HotCounter, HotHistogram } from "./hot-metrics.ts";
import { log } from "./log.ts";
import { instrument } from "./meter.ts";

// One function per thing that happens: its metric and its log line together. Only low-cardinality attributes go on
// metrics; ids go on log lines.

interface Answered {
  readonly destinationId: string;
  readonly reason: Reason;
  readonly source: Source;
  readonly accepted: boolean;
  readonly ageMs?: number | undefined;
}

const decisions = new HotCounter<Answered>(
  {
    name: "availability.decisions",
    description: "Checks answered, by reason, source and whether the destination was accepted",
    unit: "",
  },
  ({ reason, source, accepted }) => ({ reason, source, accepted }),
);
const decisionAge = new HotHistogram<Answered>(
  {
    name: "availability.snapshot.age",
    description: "Age of the snapshot behind an answer when it was served",
    unit: "s",
    boundaries: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 300],
  },
  ({ source }) => ({ source }),
);
const upstreamCalls = instrument((meter) =>
  meter.createCounter("availability.upstream.calls", {
    description: "Attempts to call RingCentral, by outcome",
  }),
);
const upstreamDuration = instrument((meter) =>
  meter.createHistogram("availability.upstream.duration", {
    description: "How long attempts to call RingCentral took",
    unit: "s",
    advice: { explicitBucketBoundaries: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] },
  }),
);
const upstreamLeft = instrument((meter) =>
  meter.createGauge("availability.upstream.budget.left", {
    description: "Requests left in the usage group, as RingCentral last said",
  }),
);
const achievableAges = new Set<() => number | undefined>();
const achievableAge = instrument((meter) => {
  const gauge = meter.createObservableGauge("availability.achievable_age", {
    description: "How old polled answers get within the rate limit, where that is longest",
    unit: "s",
  });
  gauge.addCallback((result) => {
    const longest = [...achievableAges].map((age) => age() ?? 0);
    if (longest.length > 0) result.observe(Math.max(...longest) / 1000);
  });
  return gauge;
});
const coalesced = instrument((meter) =>
  meter.createCounter("availability.reads.coalesced", {
    description: "Callers who shared a read that another had caused",
  }),
);
const backOffs = instrument((meter) =>
  meter.createCounter("availability.backoffs", { description: "Back-offs opened, by scope and reason" }),
);
const changes = instrument((meter) =>
  meter.createCounter("availability.changes", { description: "Changes of destinations' availability" }),
);
const watchers = instrument((meter) =>
  meter.createUpDownCounter("availability.watchers", { description: "Watch streams open" }),
);
const overruns = instrument((meter) =>
  meter.createCounter("availability.patterns.overrun", {
    description: "Evaluations given up because a pattern ran over its time bound",
  }),
);
const historyRowsDropped = instrument((meter) =>
  meter.createCounter("availability.history.dropped", {
    description: "Rows of the history that were not kept because it could not be written",
  }),
);

/** A Check was answered. `ageMs` is absent when no snapshot stands behind the answer. */
export function checkAnswered(e: Answered): void {
  decisions.add(e, e.reason, e.source, e.accepted);
  if (e.ageMs !== undefined) decisionAge.record(e.ageMs / 1000, e, e.source);
  log.debug(e, "check answered");
}

/** The watched state of a destination changed. */
export function availabilityChanged(e: {
  destinationId: string;
  version: bigint;
  verdict: Verdict;
  reason: Reason;
  source: Source;
  accepted: boolean;
  message: string;
}): void {
  changes().add(1, { reason: e.reason });
  const { destinationId, verdict, reason, source, accepted } = e;
  // The note of an override is for those who may ask for the destination.
  const message = reason === "OVERRIDDEN" ? undefined : e.message;
  const version = e.version.toString();
  log.info({ destinationId, version, verdict, reason, source, accepted, message }, "availability changed");
}

/** One attempt to call RingCentral ended; `outcome` is OK or the reason it failed for. */
export function upstreamAttempted(e: {
  origin: string;
  method: string;
  path: string;
  attempt: number;
  /** HTTP status; absent when no answer came. */
  status?: number | undefined;
  outcome: UpstreamReason | "OK" | "RETRIED" | "REDIRECTED" | "ABANDONED";
  tookMs: number;
  rcRequestId?: string | undefined;
  limitLeft?: number | undefined;
  group?: string | undefined;
}): void {
  upstreamCalls().add(1, { outcome: e.outcome, "http.response.status_code": e.status ?? 0 });
  upstreamDuration().record(e.tookMs / 1000, { outcome: e.outcome });
  if (e.limitLeft !== undefined) upstreamLeft().record(e.limitLeft, { group: e.group ?? "unknown" });
  const expected = e.outcome === "OK" || e.outcome === "REDIRECTED" || e.outcome === "ABANDONED";
  log[expected ? "debug" : "warn"](e, "upstream attempt");
}

/** RingCentral will not be called for a while. */
export function backOffOpened(e: {
  scope: "question" | "connection" | "budget";
  key: string;
  reason: UpstreamReason;
  message: string;
  untilMs: number;
}): void {
  backOffs().add(1, { scope: e.scope, reason: e.reason });
  const { untilMs, ...rest } = e;
  log.warn({ ...rest, until: new Date(untilMs).toISOString() }, "backing off");
}

/** `longestMs` is asked when metrics are read, undefined = nothing is in demand; call the returned function in the end. */
export function achievableAgeWatched(longestMs: () => number | undefined): () => void {
  achievableAges.add(longestMs);
  achievableAge();
  return () => void achievableAges.delete(longestMs);
}

/** A caller shares a read that another caused. */
export function callerCoalesced(): void {
  coalesced().add(1);
}

/** A Watch stream began; call the returned function when it ends. */
export function watchOpened(e: { destinations: number | "all"; passive: boolean }): () => void {
  watchers().add(1, { passive: e.passive });
  log.debug(e, "watch opened");
  return () => {
    watchers().add(-1, { passive: e.passive });
    log.debug(e, "watch ended");
  };
}

/** A pattern was stopped because it ran over its time bound. */
export function patternOverran(e: { pattern: string; limitMs: number }): void {
  overruns().add(1);
  log.warn(e, "pattern took too long");
}

export function destinationConfigured(e: { destinationId: string; revision: bigint }): void {
  log.info({ ...e, revision: e.revision.toString() }, "destination configured");
}

export function destinationDeleted(e: { destinationId: string; revision: bigint }): void {
  log.info({ ...e, revision: e.revision.toString() }, "destination deleted");
}

/** A stored destination does not compile; it answers DESTINATION_INVALID until it is configured again. */
export function destinationInvalid(e: { destinationId: string; message: string }): void {
  log.error(e, "stored destination is invalid");
}

export function connectionConfigured(e: { connectionId: string; revision: bigint }): void {
  log.info({ ...e, revision: e.revision.toString() }, "connection configured");
}

export function connectionDeleted(e: { connectionId: string; revision: bigint }): void {
  log.info({ ...e, revision: e.revision.toString() }, "connection deleted");
}

/** A stored connection cannot be used; its destinations answer DESTINATION_INVALID until it is configured again. */
export function connectionInvalid(e: { connectionId: string; message: string }): void {
  log.error(e, "stored connection is invalid");
}

/** Stored secrets were sealed again with the first key: the older ones are needed no more for this kind of record. */
export function credentialsResealed(e: { noun: string; count: number }): void {
  log.info(e, "sealed stored credentials with the first key");
}

/** The history cannot be written, read or pruned. Answers do not depend on it. */
export function historyTrouble(e: { action: "write" | "read" | "prune" | "close"; message: string }): void {
  log.warn(e, "history is in trouble");
}

/** What could not be done with the history can be done again. */
export function historyRecovered(e: { action: "write" | "read" | "prune" | "close" }): void {
  log.info(e, "history is well again");
}

/** Rows were not kept because the history could not be written for too long. */
export function historyDropped(e: { changes: number; counts: number }): void {
  if (e.changes > 0) historyRowsDropped().add(e.changes, { kind: "change" });
  if (e.counts > 0) historyRowsDropped().add(e.counts, { kind: "count" });
  log.warn(e, "history dropped");
}

/** The history's file was damaged; it was moved aside and a new one begun. */
export function historySetAside(e: { path: string; aside: string }): void {
  log.warn(e, "history was damaged and is begun anew");
}

/** Somebody set the answer of destinations by hand. The note is for people, not for logs. */
export function overridesSet(e: {
  destinationIds: readonly string[];
  accepted: boolean;
  expiresAt: number;
  setBy: string;
}): void {
  const { destinationIds, expiresAt, ...rest } = e;
  const until = new Date(expiresAt).toISOString();
  log.info({ ...rest, until, count: destinationIds.length, destinationIds: firstOf(destinationIds) }, "overrides set");
}

/** Somebody ended the overrides of destinations. */
export function overridesCleared(e: { destinationIds: readonly string[] }): void {
  const { length } = e.destinationIds;
  log.info({ count: length, destinationIds: firstOf(e.destinationIds) }, "overrides cleared");
}

function firstOf(destinationIds: readonly string[]): readonly string[] {
  return destinationIds.slice(0, 100);
}
