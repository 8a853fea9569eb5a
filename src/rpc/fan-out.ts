// How long streams are written to before everything else that waits has its turn.
const SLICE_MS = 2;
const LOOK_EVERY = 16;

/**
 * FanOut writes to the streams that have something to send, each in its turn. A change that thousands watch is written in
 * slices, so that Checks and reads go on in between; what changes again meanwhile is sent once, as it is then.
 */
export class FanOut {
  #waiting: (() => void)[] = [];
  #next = 0;
  #scheduled = false;

  /** Calls `write` soon. The caller sees to it that it waits once at most. */
  add(write: () => void): void {
    this.#waiting.push(write);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = () => {
    const end = performance.now() + SLICE_MS;
    const waiting = this.#waiting;
    while (this.#next < waiting.length) {
      waiting[this.#next++]!();
      if (this.#next % LOOK_EVERY === 0 && performance.now() > end) {
        setImmediate(this.#run);
        return;
      }
    }
    this.#waiting = [];
    this.#next = 0;
    this.#scheduled = false;
  };
}
