import type { Clock } from "../../lib/clock.ts";
import type { Frame } from "./push-frames.ts";

// How many frames in a row must be numbered without a gap before a gap is taken for a frame that is missing.
const BELIEVED_AFTER = 3;
// How long a missing frame may be under way.
const OVERTAKEN_MS = 1_000;

/**
 * Numbering is what is known of how RingCentral numbers frames. It documents a sequence, not that it has no gaps: that is
 * believed for as long as it was seen lately, in any session of the connection.
 */
export class Numbering {
  #steps = 0;

  get believed(): boolean {
    return this.#steps >= BELIEVED_AFTER;
  }

  followed(): void {
    this.#steps++;
  }

  /** A gap came and stayed. */
  broken(): void {
    this.#steps = 0;
  }
}

interface Deps {
  readonly clock: Clock;
  readonly numbering: Numbering;
  readonly take: (frame: Frame) => void;
  /** A frame is missing for good. */
  readonly onMissing: () => void;
}

/** FrameOrder hands on the frames of one socket in the order of their numbers, as far as those can be believed. */
export class FrameOrder {
  readonly #deps: Deps;
  readonly #early = new Map<number, Frame>();
  #last: number | undefined;
  #cancelWait: () => void = () => {};

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  /** Frames wait for one that is missing. */
  get waiting(): boolean {
    return this.#early.size > 0;
  }

  /** The number of the first frame. */
  begin(sequence: number | undefined): void {
    this.#last = sequence;
  }

  receive(frame: Frame): void {
    const { clock, numbering, onMissing, take } = this.#deps;
    const sequence = frame.wsc?.sequence;
    const last = this.#last;
    if (sequence === undefined || last === undefined || sequence <= last) {
      this.#last ??= sequence;
      take(frame);
    } else if (sequence === last + 1) {
      numbering.followed();
      this.#follow(frame, sequence);
    } else if (numbering.believed) {
      if (!this.waiting) {
        this.#cancelWait = clock.after(OVERTAKEN_MS, () => {
          numbering.broken();
          onMissing();
        });
      }
      this.#early.set(sequence, frame);
    } else {
      numbering.broken();
      this.#follow(frame, sequence);
    }
  }

  stop(): void {
    this.#cancelWait();
    this.#early.clear();
  }

  /** Takes a frame and those that waited for it. */
  #follow(frame: Frame, sequence: number): void {
    const frames = [frame];
    let last = sequence;
    for (let next = this.#early.get(last + 1); next; next = this.#early.get(last + 1)) {
      this.#early.delete(++last);
      frames.push(next);
    }
    this.#last = last;
    if (!this.waiting) this.#cancelWait();
    for (const each of frames) this.#deps.take(each);
  }
}
