import type { PresenceDocument } from "../acceptance/document.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";

/** Snapshot is what a queue's presence was at a moment. */
export interface Snapshot {
  readonly document: PresenceDocument;
  /** Unix milliseconds at which the request that read it was sent. */
  readonly observedAt: number;
}

/** Why nothing could be read, and until when it makes no sense to try again (Unix milliseconds). */
export interface Trouble {
  readonly failure: UpstreamFailure;
  readonly until: number;
}

/** What a read came to, for everybody who waited for it. A failure is never a snapshot. */
export type ReadOutcome =
  | { readonly ok: true; readonly snapshot: Snapshot }
  | { readonly ok: false; readonly trouble: Trouble };
