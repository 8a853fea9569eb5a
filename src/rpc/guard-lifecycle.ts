import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";

/** starting: no calls yet. serving. draining: not ready, calls still served. closing: new calls are refused. */
export type Phase = "starting" | "serving" | "draining" | "closing";

/** How long callers are asked to wait before they come back, to another replica or to this one started anew. */
export const RETRY_DELAY_MS = 1000;

/** Lifecycle is what this process is ready for, from its start to its end; both listeners and all guards follow it. */
export class Lifecycle {
  #phase: Phase = "starting";
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #followers = new Set<(phase: Phase) => void>();
  #closing: Promise<void> | undefined;

  /** `graceMs`: how long calls are still taken after the drain began, so that whoever asks /readyz can turn away. */
  constructor({ clock, graceMs = 300 }: { clock: Clock; graceMs?: number }) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Everything is loaded: calls are served from here on. */
  serve(): void {
    if (this.#phase === "starting") this.#enter("serving");
  }

  /** Begins the end; resolves when the grace is over and streams were told to end. Calling it again waits for the same. */
  drain(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#enter("draining");
      this.#clock.after(this.#graceMs, () => {
        this.#enter("closing");
        resolve();
      });
    });
    return this.#closing;
  }

  /** Calls back on every change of phase; the returned function ends that. */
  follow(follower: (phase: Phase) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    for (const follower of this.#followers) follower(phase);
  }
}

/** What a call that cannot be served now fails with. */
export function unavailable(state: string): ServiceError {
  return new ServiceError("UNAVAILABLE", `Cannot serve the call: the server is ${state}`, {
    retryDelayMs: RETRY_DELAY_MS,
  });
}
