import type { Simulator } from "../../simulator/server.ts";
import type { Reason } from "../../src/lib/reasons.ts";
import type { Truths } from "./truths.ts";

/** A simulator that trouble is made in, with the truth of its world. */
export interface Scene {
  readonly simulator: Simulator;
  readonly truths: Truths;
  /** Calls are counted against limits. */
  readonly limited: boolean;
  /** Does something when the sockets have settled, but nobody has begun to mend. */
  readonly next: (then: () => void) => void;
}

/** Something that goes wrong for a while. Times in seconds. */
export interface Trouble {
  readonly name: string;
  readonly at: number;
  readonly lasts: number;
  /** For so long after its end it may still be felt; 0 = not at all. */
  readonly feltFor: number;
  /** Why answers may be undecided from its beginning until it is not felt any more. */
  readonly reasons: readonly Reason[];
  readonly begin: (scene: Scene) => void;
  /** It begins again as often, until it ends. */
  readonly every?: number;
  readonly end?: (scene: Scene) => void;
  /** For so long news may be under way during it. */
  readonly newsLate?: number;
  /** News are lost while the socket is well, of which nothing tells. */
  readonly losesNews?: boolean;
  /** Some fields are hidden: what is counted is "at least". */
  readonly hides?: boolean;
  /** 429 that nobody could have known of: so many in the usage groups. */
  readonly refusals?: number;
}

/** Whether a trouble may be behind what happens at a time, in seconds. */
export function isFelt({ at, lasts, feltFor }: Trouble, seconds: number): boolean {
  return seconds >= at && seconds <= at + lasts + feltFor;
}

/** How many 429 the script gave by changing what nobody could know. */
export function refusalsOf(troubles: readonly Trouble[]): number {
  return troubles.reduce((sum, { refusals = 0 }) => sum + refusals, 0);
}
