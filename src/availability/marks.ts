import { hasLabels } from "../destinations/selection.ts";

type Labels = Readonly<Record<string, string>>;

interface Mark {
  /** The position of its last change. */
  changedAt: number;
  /** The labels that its last change had. */
  labels: Labels;
  /** The position at which its labels last became others; 0 when they never did. */
  relabelledAt: number;
}

// A client that was away for no longer than this is told what went.
const REMEMBERED_MS = 60 * 60 * 1000;

/**
 * Marks remembers where each destination last changed in the stream of changes, so that a Watch can go on from a
 * position. It holds one mark per destination, however often that changes, and the marks of removed ones for an hour.
 */
export class Marks {
  readonly #marks = new Map<string, Mark>();
  /** The removed destinations that have a mark and when each went, Unix milliseconds, oldest first. */
  readonly #gone = new Map<string, number>();
  #floor = 0;

  changed(destinationId: string, labels: Labels, position: number): void {
    this.#gone.delete(destinationId);
    const mark = this.#marks.get(destinationId);
    if (!mark) {
      this.#marks.set(destinationId, { changedAt: position, labels, relabelledAt: 0 });
      return;
    }
    if (!sameLabels(mark.labels, labels)) mark.relabelledAt = position;
    mark.labels = labels;
    mark.changedAt = position;
  }

  removed(destinationId: string, position: number, now: number): void {
    const mark = this.#marks.get(destinationId);
    if (mark) {
      mark.changedAt = position;
      this.#gone.set(destinationId, now);
    }
    this.forget(now);
  }

  /** Forgets what went so long ago that nobody is told of it any more. */
  forget(now: number): void {
    for (const [destinationId, wentAt] of this.#gone) {
      if (now - wentAt <= REMEMBERED_MS) return;
      this.#floor = this.#marks.get(destinationId)!.changedAt;
      this.#marks.delete(destinationId);
      this.#gone.delete(destinationId);
    }
  }

  /** The lowest position from which nothing that changed is forgotten. */
  get floor(): number {
    return this.#floor;
  }

  /** The destinations that came, changed or went after a position. */
  *changedSince(position: number): Generator<string> {
    for (const [destinationId, { changedAt }] of this.#marks) if (changedAt > position) yield destinationId;
  }

  /** The labels that the last change of a destination had. */
  labels(destinationId: string): Labels {
    return this.#marks.get(destinationId)?.labels ?? {};
  }

  /**
   * The destinations that a client with this selector may hold who was told of every change up to `position`, and
   * perhaps of later ones before it was cut. None is missing; those too many had other labels since.
   */
  *heldSince(position: number, selector: Labels): Generator<string> {
    for (const [destinationId, { changedAt, labels, relabelledAt }] of this.#marks) {
      const wasToldToForget = this.#gone.has(destinationId) && changedAt <= position;
      // What the labels were before they last changed is not remembered.
      const may = relabelledAt > position || hasLabels(labels, selector);
      if (may && !wasToldToForget) yield destinationId;
    }
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  return a === b || (hasLabels(a, b) && hasLabels(b, a));
}
