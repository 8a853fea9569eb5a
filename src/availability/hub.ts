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
    for (const listener of this.#listeners) listener.confirmed(destinationId);
  }

  #tell(destinationId: string): void {
    for (const listener of this.#listeners) listener.changed(destinationId, this.#position);
  }
}
