const MOST = 1024;

/**
 * Interned keeps what was made of equal texts, so that thousands of destinations that ask for the same share it: the
 * thousand that were asked for last.
 */
export class Interned<T> {
  readonly #made = new Map<string, T>();

  /** What was made of the text before; else what `make` makes of it. */
  get(text: string, make: () => T): T {
    const made = this.#made.get(text) ?? make();
    // Deleting first keeps the map in the order of last use.
    this.#made.delete(text);
    this.#made.set(text, made);
    if (this.#made.size > MOST) this.#made.delete(this.#made.keys().next().value!);
    return made;
  }
}
