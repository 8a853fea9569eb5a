/** What a destination asks of its question's reads. */
export interface Member {
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
  /** It wants reads now: not while it is disabled, overridden or closed. */
  readonly asking: boolean;
  /** The question's `newest` or `trouble` is new. */
  onRead(): void;
}
