// What two answers in a row say alike is believed: one alone may be others' doing.
const SURE = 2;
// With fewer extensions the two costs are too alike to be told apart.
const FEWEST_TELLING = 3;

/**
 * BulkCost learns what a call for several extensions counts as against the limit, one call or one for each extension,
 * from what is left of the limit after it. RingCentral does not document it.
 */
export class BulkCost {
  /** Above 0: for each extension; below: one call. */
  #evidence = 0;

  /**
   * An answer for so many extensions came. `before` and `after` are what the group's answers before it and itself say is
   * left, `others` the calls we sent in between.
   */
  observe(
    extensions: number,
    left: { readonly before: number; readonly after: number; readonly others: number },
  ): void {
    if (extensions < FEWEST_TELLING) return;
    const spent = left.before - left.after - left.others;
    if (spent >= extensions) this.#evidence = Math.min(SURE, this.#evidence + 1);
    // More than one is others' doing, as long as it is far from one for each; less is calls that left the window.
    else if (spent >= 1 && spent <= extensions / 2) this.#evidence = Math.max(-SURE, this.#evidence - 1);
  }

  get known(): boolean {
    return Math.abs(this.#evidence) === SURE;
  }

  /** What a call for so many extensions counts as; one until the contrary is known. */
  of(extensions: number): number {
    return this.#evidence === SURE ? extensions : 1;
  }

  /** The most that it may count as. */
  atMost(extensions: number): number {
    return this.#evidence === -SURE ? 1 : extensions;
  }
}
