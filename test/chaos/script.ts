import type { Trouble } from "./trouble.ts";
import { ACCOUNT } from "./trouble-of-account.ts";
import { PUSH } from "./trouble-of-push.ts";
import { READS } from "./trouble-of-reads.ts";
import { LIMITS_AND_TOKENS } from "./trouble-of-tokens.ts";

/**
 * What goes wrong in the hour, in order, with quiet stretches between. A trouble of calls takes push away as well: while
 * that is well, few calls are made.
 */
export const HOUR: readonly Trouble[] = [...LIMITS_AND_TOKENS, ...READS, ...PUSH, ...ACCOUNT];

/** A trouble of the hour at another time. */
function again(name: string, at: number): Trouble {
  const trouble = HOUR.find((one) => one.name === name);
  if (!trouble) throw new Error(`Cannot play "${name}" again: it is not in the hour`);
  return { ...trouble, at };
}

/** Five minutes of it. */
export const MINUTES: readonly Trouble[] = [
  again("nothing is known yet", 0),
  again("a 429 with Retry-After", 80),
  again("sockets break off", 190),
  again("connections are reset", 230),
];
