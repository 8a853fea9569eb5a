/**
 * Store keeps what must outlive this process: bytes under keys, each write with a revision. One key is the unit of
 * everything: there are no transactions over several.
 *
 * Promised by every store, and proved by the suite in `store-contract.ts`:
 * - **Durability**: once a put or delete has resolved, it survives kill -9 and power loss (the memory store excepted).
 *   One that failed with UNAVAILABLE may or may not have been done; read the key to know.
 * - **Order**: writes happen one after the other. A read that begins after a write resolved sees it or a later one.
 * - **Revisions** rise with every write in the whole store, deletes included, over restarts too; none is used twice.
 * - **Values** of 1 MiB are taken by every store; the empty value is a value. The bytes are copied at the call; what
 *   is handed out may be shared with other readers and must not be changed.
 *
 * Trouble of the store itself (closed, disk full, locked, unreachable) rejects with ServiceError UNAVAILABLE. A key or
 * prefix of a wrong form is the caller's mistake: a RangeError, which watch() throws; see checkKey() and checkPrefix().
 */
export interface Store {
  /** The newest value of a key, or undefined when there is none. */
  get(key: string): Promise<Entry | undefined>;

  /**
   * Writes a value. With `expected` it does so only if the key is at that revision, or "absent"; of several such
   * writes at once exactly one wins. Equal bytes are a write like any other.
   */
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<PutResult>;

  /** Removes a key, with `expected` only if it is at that revision. Without, removing what is not there is done. */
  delete(key: string, options?: DeleteOptions): Promise<DeleteResult>;

  /** Every entry under the prefix at one moment, in the order of keys (by code unit). */
  list(prefix: string): Promise<Entry[]>;

  /**
   * Calls `listener` with every entry there is under the prefix, then with every change, in the order of revisions.
   * Nothing between the two is lost or told twice. A value may be skipped when a newer one of its key follows, the
   * newest never; so a delete may name a key that this listener was never told of. The listener is not called before
   * watch() returns nor after stop(); it must not throw. Whether a writer's own watch hears of a write before the
   * write resolves is not promised.
   */
  watch(prefix: string, listener: (change: Change) => void): StoreWatch;

  /** Ends every watch and lets the store go. Afterwards every call rejects; closing again does nothing. */
  close(): Promise<void>;
}

/** Position of a write among all writes of its store: a positive safe integer. */
export type Revision = number;

export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: Revision;
}

export interface PutOptions {
  readonly expected?: Revision | "absent" | undefined;
}

export interface DeleteOptions {
  readonly expected?: Revision | undefined;
}

export type PutResult = { readonly ok: true; readonly revision: Revision } | Conflict;
export type DeleteResult = { readonly ok: true } | Conflict;

/** The key was not as expected and nothing was written; `current` is how it was found. */
export interface Conflict {
  readonly ok: false;
  readonly current: Revision | "absent";
}

export type Change =
  | ({ readonly kind: "put" } & Entry)
  | { readonly kind: "delete"; readonly key: string; readonly revision: Revision };

export interface StoreWatch {
  /**
   * Resolves when the listener was told of everything that was there when watch() was called, or when it was stopped
   * before; rejects with UNAVAILABLE when the store cannot be read or is closed before.
   */
  readonly ready: Promise<void>;
  /** The listener is not called again, not even with what is on its way. */
  stop(): void;
}

const KEY = /^[A-Za-z0-9_-]+(?:\/[A-Za-z0-9_-]+)*$/;
const LONGEST_KEY = 256;

/**
 * Refuses what is not a key: names of ASCII letters, digits, "_" and "-", joined by "/", 256 characters at most, as in
 * `destinations/sales`. That is what every kind of store can hold as it is.
 */
export function checkKey(key: string): void {
  if (key.length > LONGEST_KEY) throw new RangeError(`Cannot use store key: it has ${key.length} characters`);
  if (!KEY.test(key)) throw new RangeError(`Cannot use store key ${JSON.stringify(key)}: not names joined by "/"`);
}

/** Refuses what is not a prefix: whole names ending in "/", as in `destinations/`, or "" for everything. */
export function checkPrefix(prefix: string): void {
  if (prefix === "" || (prefix.endsWith("/") && KEY.test(prefix.slice(0, -1)))) return;
  throw new RangeError(`Cannot use store prefix ${JSON.stringify(prefix)}: not whole names ending in "/"`);
}
