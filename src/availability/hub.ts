/** What a watcher is told; it looks the state itself up when it can send it. */
export interface HubListener {
  /** The state of a destination changed, or it came, or went. `position` counts all changes of this process. */
  changed(destinationId: string, position: number): void;
  /** The state of a destination was observed again and is the same. */
  confirmed(destinationId: string): void;
}

/** Hub tells watchers that something changed. It holds no messages, so a slow watcher costs nothing here. */
export class Hub {
  readonly #listeners = new Set<HubListener>();
  #position = 0;

  /** Changes so far. */
  get position(): number {
    return this.#position;
  }

  subscribe(listener: HubListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(destinationId: string): void {
    this.#position++;
    for (const listener of this.#listeners) listener.changed(destinationId, this.#position);
  }

  confirmed(destinationId: string): void {
    for (const listener of this.#listeners) listener.confirmed(destinationId);
  }
}
