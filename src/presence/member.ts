import type { Dated } from "../acceptance/dated.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";

/** What a destination asks of its question's reads. */
export interface Member {
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
  /** The fields that its criteria depend on. */
  readonly dependsOn: readonly Dated[];
  /** It wants reads now: not while it is disabled, overridden or closed. */
  readonly asking: boolean;
  /** The question's `newest` or `trouble` is new. */
  onRead(): void;
  /** RingCentral was called for it. */
  onCall(call: UpstreamCall): void;
}
