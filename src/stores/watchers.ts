import type { Change, Entry, StoreWatch } from "./store.ts";

interface Watcher {
  readonly prefix: string;
  tell(change: Change): void;
  end(error?: Error): void;
}

/** Watchers tells the changes of one store, made in this process, to everyone who watches it. */
export class Watchers {
  readonly #watchers = new Set<Watcher>();

  /** Adds a watch that first tells `entries`; they must have been read with no write since. */
  add(prefix: string, listener: (change: Change) => void, entries: readonly Entry[]): StoreWatch {
    const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
    // Who does not ask whether it became ready need not handle that it did not.
    ready.catch(() => {});
    const initial = entries.map((entry): Change => ({ kind: "put", ...entry })).sort((a, b) => a.revision - b.revision);
    const pending: (Change | "ready")[] = [...initial, "ready"];
    let ended = false;

    const drain = () => {
      for (const next of pending.splice(0)) {
        if (ended) return;
        if (next === "ready") resolve();
        else listener(next);
      }
    };
    const watcher: Watcher = {
      prefix,
      tell(change) {
        // Never from within the write: a listener may itself write.
        if (pending.push(change) === 1) queueMicrotask(drain);
      },
      end: (error) => {
        ended = true;
        this.#watchers.delete(watcher);
        if (error) reject(error);
        else resolve();
      },
    };
    this.#watchers.add(watcher);
    queueMicrotask(drain);
    return { ready, stop: () => watcher.end() };
  }

  /** Tells a change to those who watch its key. Call in the order of revisions. */
  tell(change: Change): void {
    for (const watcher of this.#watchers) if (change.key.startsWith(watcher.prefix)) watcher.tell(change);
  }

  /** Ends every watch; those not yet ready are rejected with `error`. */
  close(error: Error): void {
    for (const watcher of this.#watchers) watcher.end(error);
  }
}
