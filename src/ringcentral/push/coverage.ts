/**
 * Coverage says for how long push events have told, without a gap, every change of what a filter carries. A value that was
 * read after `since` and changed by each event is the truth of some moment at or after `aliveAt`: as new as that, or newer.
 */
export interface Coverage {
  /** Unix milliseconds at which the subscription was confirmed; what was read before may lack a change. */
  readonly since: number;
  /**
   * Every event from before then was told, Unix milliseconds. Just after the beginning it is a little before `since`; it
   * stands still when the session ended.
   */
  readonly aliveAt: number;
  /** The session is alive now. */
  readonly live: boolean;
}
