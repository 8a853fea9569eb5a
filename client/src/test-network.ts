import type { Event, TestWatch } from "./test-server.ts";
import type { TestWorld } from "./test-world.ts";

/** TestNetwork delays what goes through it, each message as it likes, and keeps the order of a stream. */
export class TestNetwork {
  /** The longest that anything takes, in milliseconds. */
  slownessMs = 0;
  readonly #world: TestWorld;
  #state = 1;

  constructor(world: TestWorld) {
    this.#world = world;
  }

  /** How long the next message takes: anything up to the longest, the same in every run. */
  delayMs(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#state / 2 ** 32) * this.slownessMs;
  }

  /** The way back to a client that watches. */
  open(watch: TestWatch) {
    let lastAt = 0;
    const line = {
      /** Nothing arrives any more. */
      stalled: false,
      send: (event: Event, token = ""): void => {
        lastAt = Math.max(lastAt, this.#world.now + this.delayMs());
        this.#world.after(lastAt - this.#world.now, () => {
          if (!line.stalled) watch.send(event, token);
        });
      },
    };
    return line;
  }
}
