import type { Selection } from "./board.ts";
import { Marks } from "./marks.ts";

/** What a watcher is told; it looks the state itself up when it can send it. */
export interface HubListener {
  /** The state of a destination changed, or it came, or went. `position` counts all changes of this process. */
  changed(destinationId: string, position: number): void;
  /** The state of a destination was observed again and is the same. */
  confirmed(destinationId: string): void;
}

/** Hub tells watchers that something changed. It holds no messages, so a slow watcher costs nothing here. */
export class Hub {
  /** For those who come back and were not told. */
  readonly marks = new Marks();
  /** Who watches everything, or everything with some labels. */
  readonly #ofAll = new Set<HubListener>();
  /** Who watches a destination by its id. */
  readonly #ofOne = new Map<string, Set<HubListener>>();
  #position = 0;

  /** Changes so far. */
  get position(): number {
    return this.#position;
  }

  /** Tells a listener of what it selects from here on; under a selector of everything, as labels come and go. */
  subscribe(listener: HubListener, selection: Selection): () => void {
    if ("selector" in selection) {
      this.#ofAll.add(listener);
      return () => this.#ofAll.delete(listener);
    }
    for (const id of selection.ids) {
      const listeners = this.#ofOne.get(id);
      if (listeners) listeners.add(listener);
      else this.#ofOne.set(id, new Set([listener]));
    }
    return () => {
      for (const id of selection.ids) {
        const listeners = this.#ofOne.get(id);
        listeners?.delete(listener);
        if (listeners?.size === 0) this.#ofOne.delete(id);
      }
    };
  }

  /** A destination came or changed. */
  changed(destinationId: string, labels: Readonly<Record<string, string>>): void {
    this.marks.changed(destinationId, labels, ++this.#position);
    this.#tell(destinationId);
  }

  /** A destination went. */
  removed(destinationId: string, now: number): void {
    this.marks.removed(destinationId, ++this.#position, now);
    this.#tell(destinationId);
  }

  confirmed(destinationId: string): void {
    for (const listener of this.#ofAll) listener.confirmed(destinationId);
    for (const listener of this.#ofOne.get(destinationId) ?? []) listener.confirmed(destinationId);
  }

  #tell(destinationId: string): void {
    for (const listener of this.#ofAll) listener.changed(destinationId, this.#position);
    for (const listener of this.#ofOne.get(destinationId) ?? []) listener.changed(destinationId, this.#position);
  }
}
