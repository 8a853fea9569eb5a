import type { Dated } from "../acceptance/dated.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Exchange } from "../ringcentral/calls/call.ts";
import { OVER_BUDGET, overBudget } from "../ringcentral/calls/calls.ts";
import { type Observed, observedAt } from "../ringcentral/tables/compose.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";

/** Snapshot is what a queue's presence was at a moment; push may keep parts of it current. */
export interface Snapshot {
  readonly document: PresenceDocument;
  /** How new each kind of field is. */
  readonly observed: Readonly<Record<Dated, Observed>>;
  /** The answer behind the newest read, for explaining what was made of it. */
  readonly exchange?: Exchange | undefined;
}

/** How old a snapshot is for somebody who depends on these fields. */
export interface Age {
  /** Unix milliseconds: that of the oldest of the fields. */
  readonly at: number;
  /** All of them are kept current by push. */
  readonly pushed: boolean;
}

export function ageOf(snapshot: Snapshot, dependsOn: readonly Dated[]): Age {
  return observedAt(snapshot.observed, dependsOn);
}

/** The same as a snapshot that nothing keeps current any more: each part is as old from now on as it is now. */
export function withoutPush(snapshot: Snapshot): Snapshot {
  const part = (name: Dated): Observed => ({ at: ageOf(snapshot, [name]).at, coverages: [] });
  const observed = {
    answer: part("answer"),
    optIn: part("optIn"),
    doNotDisturb: part("doNotDisturb"),
    extension: part("extension"),
  };
  return { ...snapshot, observed };
}

/** When the oldest part of it was read, or push last kept it current, Unix milliseconds; undefined when one never was. */
export function readAt(snapshot: Snapshot): number | undefined {
  return ageOf(snapshot, ["answer", "optIn", "doNotDisturb", "extension"]).at || undefined;
}

/** Why nothing could be read, and until when it makes no sense to try again (Unix milliseconds). */
export interface Trouble {
  readonly failure: UpstreamFailure;
  readonly until: number;
  /** Absent when no answer came, or when nothing was sent. */
  readonly exchange?: Exchange | undefined;
}

/** What a read came to, for everybody who waited for it. A failure is never a snapshot. */
export type ReadOutcome =
  | { readonly ok: true; readonly snapshot: Snapshot }
  | { readonly ok: false; readonly trouble: Trouble };

/** Our own budget allows no read before `until`, Unix milliseconds: nothing was sent. */
export function refused(until: number): ReadOutcome {
  const { failure } = overBudget(until);
  return { ok: false, trouble: { failure, until } };
}

export function isRefused({ failure }: Trouble): boolean {
  return failure === OVER_BUDGET;
}
