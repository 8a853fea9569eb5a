import type { Clock } from "./clock.ts";
import type { Replica } from "./replica.ts";

/**
 * How well the replica is fed.
 *
 * - READY: a Watch is synced and was heard from within the last three heartbeat intervals.
 * - STALE: it is not, and something that is held is still young enough to be answered.
 * - DISCONNECTED: it is not, and nothing that is held can be answered any more, by the greatest maxAgeMs that any check
 *   has asked for and the client's own, or, where it was created with none, the destinations' own; or nothing was synced yet.
 *
 * It is looked at when a Watch is synced or ends, and as what is held becomes too old.
 */
export type ReplicaState = "READY" | "STALE" | "DISCONNECTED";

export interface ConditionDeps {
  readonly clock: Clock;
  readonly replica: Pick<Replica, "answersUntil">;
  /** The default max age; undefined = the destinations' own. */
  readonly maxAgeMs: number | undefined;
  readonly onChange: (state: ReplicaState) => void;
}

/** Condition follows how well a replica is fed, and tells when that changes. */
export class Condition {
  readonly #deps: ConditionDeps;
  #state: ReplicaState = "DISCONNECTED";
  #fed = false;
  #greatestMaxAgeMs: number;
  #cancelTimer = () => {};

  constructor(deps: ConditionDeps) {
    this.#deps = deps;
    this.#greatestMaxAgeMs = deps.maxAgeMs ?? 0;
  }

  get state(): ReplicaState {
    return this.#state;
  }

  get greatestMaxAgeMs(): number {
    return this.#greatestMaxAgeMs;
  }

  fed(): void {
    this.#fed = true;
    this.#assess();
  }

  cut(): void {
    this.#fed = false;
    this.#assess();
  }

  /** Somebody asked for more than anybody before: what counted as too old may not be. */
  asked(maxAgeMs: number): void {
    this.#greatestMaxAgeMs = maxAgeMs;
    if (!this.#fed) this.#assess();
  }

  close(): void {
    this.#fed = false;
    this.#cancelTimer();
    this.#become("DISCONNECTED");
  }

  #assess(): void {
    const { clock, replica, maxAgeMs } = this.#deps;
    this.#cancelTimer();
    if (this.#fed) {
      this.#become("READY");
      return;
    }
    const left = replica.answersUntil((own) => Math.max(maxAgeMs ?? own ?? 0, this.#greatestMaxAgeMs)) - clock.now();
    // At the very moment it may still be answered, and a timer may be early by a fraction.
    if (left >= 0) this.#cancelTimer = clock.after(left + 1, () => this.#assess());
    this.#become(left >= 0 ? "STALE" : "DISCONNECTED");
  }

  #become(state: ReplicaState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#deps.onChange(state);
  }
}
