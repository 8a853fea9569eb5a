import type { PresenceDocument } from "../acceptance/document.ts";
import type { Exchange } from "../ringcentral/presence-reader.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";

/** The answer behind a read, and how long the read had waited for its budget, in milliseconds. */
export type ReadExchange = Exchange & { readonly budgetMs: number };

/** Snapshot is what a queue's presence was at a moment. */
export interface Snapshot {
  readonly document: PresenceDocument;
  /** Unix milliseconds at which the request that read it was sent. */
  readonly observedAt: number;
  /** For explaining what was made of it. */
  readonly exchange?: ReadExchange | undefined;
}

/** Why nothing could be read, and until when it makes no sense to try again (Unix milliseconds). */
export interface Trouble {
  readonly failure: UpstreamFailure;
  readonly until: number;
  /** Absent when no answer came, or when nothing was sent. */
  readonly exchange?: ReadExchange | undefined;
}

/** What a read came to, for everybody who waited for it. A failure is never a snapshot. */
export type ReadOutcome =
  | { readonly ok: true; readonly snapshot: Snapshot }
  | { readonly ok: false; readonly trouble: Trouble };
