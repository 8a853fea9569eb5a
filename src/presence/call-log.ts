import type { UpstreamCall } from "../upstream/attempt-span.ts";

/** How many calls are kept of a question. */
const MOST_CALLS = 100;

/** CallLog keeps the newest calls made for one question, for whoever looks after a destination. */
export class CallLog {
  readonly #calls: UpstreamCall[] = [];
  /** Number of the newest call; the first has 1. */
  #newest = 0;

  add(call: UpstreamCall): void {
    this.#newest++;
    if (this.#calls.push(call) > MOST_CALLS) this.#calls.shift();
  }

  /**
   * At most `size` calls, newest first, of those with a number below `before`; `next` is the `before` of the page that
   * follows, undefined when there is none.
   */
  page({ before = Number.POSITIVE_INFINITY, size }: { before?: number | undefined; size: number }): {
    readonly calls: readonly UpstreamCall[];
    readonly next: number | undefined;
  } {
    const oldest = this.#newest - this.#calls.length + 1;
    const first = Math.min(this.#newest, before - 1);
    const last = Math.max(first - size + 1, oldest);
    const calls = first < last ? [] : this.#calls.slice(last - oldest, first - oldest + 1).reverse();
    return { calls, next: calls.length > 0 && last > oldest ? last : undefined };
  }
}
