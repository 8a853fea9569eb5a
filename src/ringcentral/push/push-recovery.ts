import type { Clock } from "../../lib/clock.ts";
import type { PushFilter } from "./push-event.ts";
import type { SessionToken } from "./push-frames.ts";

/** What lets the next life of the process resume a shard; times in Unix milliseconds. */
export interface SavedShard {
  /** What was subscribed to, each with the beginning of its coverage; undefined where RingCentral refused it. */
  readonly filters: readonly { readonly filter: PushFilter; readonly since: number | undefined }[];
  /** A secret: with an access token it lets others listen. */
  readonly wsc: SessionToken;
  /** The last proof of life. */
  readonly aliveAt: number;
  /** How long after that the session can be resumed, in milliseconds. */
  readonly resumableForMs: number;
  /** When the subscription ends unless it is renewed; undefined when that is not known. */
  readonly expiresAt: number | undefined;
}

/**
 * Keeps what is saved over a restart. Every event up to a saved state was handed to onEvent before `save` is called: the
 * values that they made must be kept no earlier than the state, or a restart takes for known what was lost.
 */
export interface PushRecovery {
  /** What was saved last; nothing when nothing was. */
  load(): Promise<readonly SavedShard[]>;
  /** Replaces what was saved. */
  save(shards: readonly SavedShard[]): Promise<void>;
}

/**
 * What kill -9 loses of the state at most. RingCentral replays what came since, a hundred messages as a rule; where that
 * is not enough it refuses to resume, and coverage begins anew.
 */
const SAVE_EVERY_MS = 5_000;

interface Deps {
  readonly clock: Clock;
  readonly save: PushRecovery["save"];
  /** What is to be saved now. */
  readonly state: () => readonly SavedShard[];
  readonly onTrouble: (error: unknown) => void;
}

/** RecoverySaver saves what changed, at most every five seconds and one save at a time. */
export class RecoverySaver {
  readonly #deps: Deps;
  #cancel: (() => void) | undefined;
  #saving: Promise<void> = Promise.resolve();
  #savedAt = Number.NEGATIVE_INFINITY;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** What is to be saved changed. */
  changed(): void {
    const { clock } = this.#deps;
    this.#cancel ??= clock.after(Math.max(0, this.#savedAt + SAVE_EVERY_MS - clock.now()), () => {
      this.#cancel = undefined;
      void this.#save();
    });
  }

  /** Saves for the last time. */
  close(): Promise<void> {
    this.#cancel?.();
    this.#cancel = () => {};
    return this.#save();
  }

  #save(): Promise<void> {
    const { clock, onTrouble, save, state } = this.#deps;
    this.#savedAt = clock.now();
    const shards = state();
    this.#saving = this.#saving.then(() => save(shards)).catch(onTrouble);
    return this.#saving;
  }
}
