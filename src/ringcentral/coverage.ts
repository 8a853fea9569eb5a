/**
 * Coverage says for how long push events have told, without a gap, every change of what a filter carries. What was read
 * after `since` and changed by each event is as new as `aliveAt`.
 */
export interface Coverage {
  /** Unix milliseconds at which the subscription was confirmed; what was read before may lack a change. */
  readonly since: number;
  /** When the session last proved alive, Unix milliseconds; it stands still when the session ended. */
  readonly aliveAt: number;
  /** The session is alive now. */
  readonly live: boolean;
}
