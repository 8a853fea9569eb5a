import type { Answer } from "./answer.ts";
import type { Selection } from "./board.ts";
import { hashOf, type TokenScope, tokenAt } from "./resume-token.ts";

/** WatchedSet is what one or many streams watch: what is said of a change to one of them can be said to all. */
export interface WatchedSet {
  readonly selection: Selection;
  readonly scope: TokenScope;
  /** What push kept current when somebody last looked, Unix milliseconds: heartbeats of many streams say the same. */
  pushed?: { readonly at: number; readonly states: readonly Answer[] };
}

/** WatchedSets has one for all streams that watch the same, for as long as one of them does. */
export class WatchedSets {
  readonly #life: string;
  readonly #sets = new Map<string, { readonly set: WatchedSet; streams: number }>();

  /** `life`: what resume tokens name this process by. */
  constructor(life: string) {
    this.#life = life;
  }

  /** The set of one more stream; the returned function says that the stream has ended. */
  join(selection: Selection): { readonly set: WatchedSet; readonly leave: () => void } {
    const hash = hashOf(selection);
    // An id may look like a label: what kind of selection it is counts too.
    const key = `${"ids" in selection} ${hash}`;
    let entry = this.#sets.get(key);
    if (!entry) {
      entry = { set: { selection, scope: { life: this.#life, set: hash } }, streams: 0 };
      this.#sets.set(key, entry);
    }
    const joined = entry;
    joined.streams++;
    return {
      set: joined.set,
      leave: () => {
        if (--joined.streams === 0) this.#sets.delete(key);
      },
    };
  }
}

/** The resume token of a position in the changes of a set; empty when there is none yet. */
export function resumeTokenOf({ set, position }: { set: WatchedSet; position: number | undefined }): string {
  return position === undefined ? "" : tokenAt(position, set.scope);
}
