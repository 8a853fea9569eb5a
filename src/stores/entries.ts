/** Who is told of what a registry holds. */
export interface EntryListener<E> {
  configured(entry: E): void;
  deleted(id: string): void;
}

/** One thing that a registry holds. */
interface Entry {
  readonly id: string;
  readonly revision: bigint;
  /** Why it cannot be used; empty = it can. */
  readonly invalid: string;
}

/** Entries are what a registry holds by id; it gives them in the order of ids and tells of every change. */
export class Entries<E extends Entry> {
  readonly #entries = new Map<string, E>();
  readonly #listeners = new Set<EntryListener<E>>();
  #sortedIds: readonly string[] | undefined;

  get(id: string): E | undefined {
    return this.#entries.get(id);
  }

  all(): IterableIterator<E> {
    return this.#entries.values();
  }

  /** At most `size` entries that `selects`, in the order of ids (by code unit), from the first id after `after`. */
  page(query: { after: string; size: number }, selects: (entry: E) => boolean = () => true): E[] {
    this.#sortedIds ??= [...this.#entries.keys()].sort();
    const page: E[] = [];
    for (const id of this.#sortedIds) {
      if (id <= query.after) continue;
      const entry = this.#entries.get(id)!;
      if (selects(entry) && page.push(entry) === query.size) break;
    }
    return page;
  }

  /** Told of every change from now on. */
  subscribe(listener: EntryListener<E>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Whether a usable entry is of this revision already: then its record was only sealed again, perhaps by another
   * replica with a key that is not given here, and what is held stays good.
   */
  isUpToDate(id: string, revision: bigint): boolean {
    const entry = this.#entries.get(id);
    return entry !== undefined && entry.invalid === "" && entry.revision === revision;
  }

  enter(entry: E): void {
    if (!this.#entries.has(entry.id)) this.#sortedIds = undefined;
    this.#entries.set(entry.id, entry);
    for (const listener of this.#listeners) listener.configured(entry);
  }

  forget(id: string): void {
    if (!this.#entries.delete(id)) return;
    this.#sortedIds = undefined;
    for (const listener of this.#listeners) listener.deleted(id);
  }

  /** Tells nobody any more. */
  close(): void {
    this.#listeners.clear();
  }
}
