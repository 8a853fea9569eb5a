import { type Keyring, SealingError } from "../lib/sealing.ts";
import { decodeRecord, type RecordKind, type Tombstone, type Unreadable, type Versioned } from "./records.ts";
import type { Change, Revision, Store, StoreWatch } from "./store.ts";

export interface RecordFollowerDeps<R extends Versioned> {
  readonly store: Store;
  readonly keyring: Pick<Keyring, "keyIds">;
  readonly kind: RecordKind<R>;
  /**
   * Told of every record, of each id the newest; undefined when it was deleted. While `loading`, it throws the
   * SealingError of a secret whose key is not given.
   */
  readonly told: (id: string, record: R | Unreadable | undefined, loading: boolean) => void;
}

/** RecordFollower tells of every record of a kind, and of every change, from this process and from others. */
export class RecordFollower<R extends Versioned> {
  readonly #deps: RecordFollowerDeps<R>;
  /** The newest store revision applied per id, so that no echo of an older write undoes a newer one. */
  readonly #applied = new Map<string, Revision>();
  #watch: StoreWatch | undefined;

  constructor(deps: RecordFollowerDeps<R>) {
    this.#deps = deps;
  }

  /**
   * Tells of what is stored and follows the store from then on. Rejects with UNAVAILABLE, and with SealingError naming
   * every missing key: better not to start than to forget credentials.
   */
  async load(): Promise<void> {
    const { store, kind, keyring } = this.#deps;
    const missingKeys = new Set<string>();
    let loading = true;
    this.#watch = store.watch(kind.prefix, (change) => {
      try {
        this.#follow(change, loading);
      } catch (error) {
        if (!(error instanceof SealingError) || error.keyId === undefined) throw error;
        missingKeys.add(error.keyId);
      }
    });
    await this.#watch.ready;
    loading = false;
    const [first] = missingKeys;
    if (first === undefined) return;
    const quoted = (ids: Iterable<string>) => [...ids].map((id) => `"${id}"`).join(", ");
    const state = `stored ones need the keys ${quoted(missingKeys)}, given are ${quoted(keyring.keyIds)}`;
    throw new SealingError("UNKNOWN_KEY", first, state);
  }

  /** Tells of a record that was just written, so that whoever wrote it sees it at once. */
  apply(id: string, record: R | Tombstone, revision: Revision): void {
    if (!this.#isNews(id, revision)) return;
    this.#deps.told(id, "deletedRevision" in record ? undefined : record, false);
  }

  close(): void {
    this.#watch?.stop();
  }

  #follow(change: Change, loading: boolean): void {
    const { kind, told } = this.#deps;
    const id = change.key.slice(kind.prefix.length);
    if (!this.#isNews(id, change.revision)) return;
    const record = change.kind === "delete" ? undefined : decodeRecord(kind, change.value);
    told(id, record && "deletedRevision" in record ? undefined : record, loading);
  }

  #isNews(id: string, revision: Revision): boolean {
    if (revision <= (this.#applied.get(id) ?? 0)) return false;
    this.#applied.set(id, revision);
    return true;
  }
}
