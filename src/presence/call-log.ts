import type { UpstreamCall } from "../upstream/attempt-span.ts";

/** How many calls are kept of a question. */
const MOST_CALLS = 100;

/** CallLog keeps the newest calls made for one question, for whoever looks after a destination. */
export class CallLog {
  readonly #calls: UpstreamCall[] = [];

  add(call: UpstreamCall): void {
    if (this.#calls.push(call) > MOST_CALLS) this.#calls.shift();
  }

  /** Newest first. */
  list(): UpstreamCall[] {
    return this.#calls.toReversed();
  }
}
