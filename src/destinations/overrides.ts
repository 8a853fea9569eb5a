import { setImmediate as othersTurn } from "node:timers/promises";
import type { Clock } from "../lib/clock.ts";
import { ServiceError } from "../lib/errors.ts";
import type { Change, Revision, Store, StoreWatch } from "../stores/store.ts";
import { log } from "../telemetry/log.ts";
import { decodeOverride, encodeOverride, type Override } from "./override-record.ts";

// Overrides are kept beside the destinations, as `overrides/<id>`: they change neither record nor revision.
const OVERRIDES = "overrides/";

interface Held {
  readonly override: Override;
  readonly revision: Revision;
}

/**
 * Overrides holds the override of every destination that has one, in step with the store. One that is over is none; it
 * is removed, and told, when its time comes.
 */
export class Overrides {
  readonly #deps: { readonly store: Store; readonly clock: Clock };
  readonly #held = new Map<string, Held>();
  /** The newest store revision applied per destination, so that no echo of an older write undoes a newer one. */
  readonly #applied = new Map<string, Revision>();
  readonly #listeners = new Set<(destinationId: string) => void>();
  #watch: StoreWatch | undefined;
  #closed = false;
  #timer: { readonly at: number; readonly cancel: () => void } | undefined;

  constructor(deps: { store: Store; clock: Clock }) {
    this.#deps = deps;
  }

  /** Loads every stored override and follows the store from then on. Rejects with UNAVAILABLE when it cannot be read. */
  async load(): Promise<void> {
    this.#watch = this.#deps.store.watch(OVERRIDES, (change) => this.#follow(change));
    await this.#watch.ready;
  }

  /** Destinations that something is stored for. */
  ids(): string[] {
    return [...this.#held.keys()];
  }

  /** The override in force. */
  get(destinationId: string): Override | undefined {
    const override = this.#held.get(destinationId)?.override;
    return override && this.#deps.clock.now() < override.expiresAt ? override : undefined;
  }

  /** Told of a destination after its override was set, cleared or over, from now on. */
  subscribe(listener: (destinationId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Sets the same override on each destination, one after the other in the order given, replacing others. Once it
   * resolves all are durable. When the store fails on the way it rejects with the store's error, which says how many
   * are set: those stay, and the one it failed at may be; setting all again is safe.
   */
  async set(destinationIds: readonly string[], given: Omit<Override, "setAt">): Promise<void> {
    const override: Override = { ...given, setAt: this.#deps.clock.now() };
    const value = encodeOverride(override);
    await inTurn("set", destinationIds, async (id) => {
      const put = await this.#deps.store.put(`${OVERRIDES}${id}`, value);
      if (put.ok) this.#enter(id, { override, revision: put.revision });
    });
  }

  /** Ends the overrides in force and answers whose they were, in the order given; a store's failure is as in set(). */
  async clear(destinationIds: readonly string[]): Promise<string[]> {
    const inForce = destinationIds.filter((id) => this.get(id));
    await inTurn("clear", inForce, async (id) => {
      const held = this.#held.get(id);
      await this.#deps.store.delete(`${OVERRIDES}${id}`);
      // What was set since is not ours to end here: the store tells whether it was written before or after.
      if (held) this.#leave(id, held.revision);
    });
    return inForce;
  }

  /** The destination is gone, or new: whatever was set is over. Never rejects; what the store keeps is over by time. */
  async forget(destinationId: string): Promise<void> {
    const held = this.#held.get(destinationId);
    if (!held) return;
    this.#leave(destinationId, held.revision);
    await this.#discard(destinationId, held.revision);
  }

  close(): void {
    this.#closed = true;
    this.#watch?.stop();
    this.#timer?.cancel();
    this.#listeners.clear();
  }

  #follow(change: Change): void {
    const id = change.key.slice(OVERRIDES.length);
    const { revision } = change;
    if (change.kind === "delete") {
      this.#leave(id, revision);
      return;
    }
    const override = decodeOverride(change.value);
    if (!("unreadable" in override)) this.#enter(id, { override, revision });
    else {
      log.error({ destinationId: id, message: override.unreadable }, "stored override cannot be read");
      this.#leave(id, revision);
    }
  }

  #enter(id: string, held: Held): void {
    if (held.revision <= (this.#applied.get(id) ?? 0)) return;
    this.#applied.set(id, held.revision);
    this.#held.set(id, held);
    this.#arm(held.override.expiresAt);
    this.#tell(id);
  }

  /** There is none at this revision of the key. */
  #leave(id: string, revision: Revision): void {
    const applied = this.#applied.get(id) ?? 0;
    if (revision < applied) return;
    this.#applied.set(id, revision);
    if (this.#held.delete(id)) this.#tell(id);
  }

  /** Removes from the store what is over; another replica may have done so, or a newer one may have taken its place. */
  async #discard(id: string, revision: Revision): Promise<void> {
    try {
      await this.#deps.store.delete(`${OVERRIDES}${id}`, { expected: revision });
    } catch (error) {
      log.warn({ destinationId: id, err: error }, "override that is over not removed from the store");
    }
  }

  /** Wakes up at the earliest end; what was set to wake up for may have been cleared, and then nothing is over. */
  #arm(at: number): void {
    if (this.#closed || (this.#timer && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const { clock } = this.#deps;
    this.#timer = { at, cancel: clock.after(Math.max(at - clock.now(), 0), () => this.#expire()) };
  }

  #expire(): void {
    this.#timer = undefined;
    const now = this.#deps.clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const [id, { override, revision }] of [...this.#held]) {
      if (now >= override.expiresAt) {
        this.#leave(id, revision);
        void this.#discard(id, revision);
      } else next = Math.min(next, override.expiresAt);
    }
    if (next < Number.POSITIVE_INFINITY) this.#arm(next);
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}

/** Does it for one after the other; a store that writes in this thread lets others have their turn in between. */
async function inTurn(action: string, ids: readonly string[], write: (id: string) => Promise<void>): Promise<void> {
  for (const [done, id] of ids.entries()) {
    try {
      await write(id);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      const state = `${error.message}; ${done} of ${ids.length} destinations were done, in the order of their ids`;
      throw new ServiceError(error.code, `Cannot ${action} override of destination "${id}": ${state}`, {
        cause: error,
        metadata: { destination_id: id, done: String(done) },
      });
    }
    await othersTurn();
  }
}
