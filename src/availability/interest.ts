import { hasLabels } from "../destinations/selection.ts";

/** Who is watched actively: a destination in demand is read again before it is too old. */
export class Interest {
  readonly #ids = new Map<string, number>();
  readonly #selectors = new Set<Readonly<Record<string, string>>>();

  wants(destination: { id: string; labels: Readonly<Record<string, string>> }): boolean {
    if (this.#ids.has(destination.id)) return true;
    for (const selector of this.#selectors) if (hasLabels(destination.labels, selector)) return true;
    return false;
  }

  /** Adds a watcher of these ids, or of everything the selector selects; the returned function takes it away. */
  add(of: { ids: ReadonlySet<string> } | { selector: Readonly<Record<string, string>> }): () => void {
    if ("selector" in of) {
      const selector = { ...of.selector };
      this.#selectors.add(selector);
      return () => this.#selectors.delete(selector);
    }
    for (const id of of.ids) this.#ids.set(id, (this.#ids.get(id) ?? 0) + 1);
    return () => {
      for (const id of of.ids) {
        const left = this.#ids.get(id)! - 1;
        if (left > 0) this.#ids.set(id, left);
        else this.#ids.delete(id);
      }
    };
  }
}
