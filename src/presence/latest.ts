import { isRefused, type ReadOutcome, readAt, type Snapshot, type Trouble, withoutPush } from "./snapshot.ts";

/** Latest is what is known of a question now, and whether its destinations were told of it. */
export class Latest {
  /** The newest snapshot, however old. */
  snapshot: Snapshot | undefined;
  /** The newest failure, if nothing was read since. */
  trouble: Trouble | undefined;
  /** Of what was known from the beginning: when it was read, Unix milliseconds; -Infinity when nothing was. */
  readonly readAt: number;
  #told: { readonly snapshot?: Snapshot | undefined; readonly trouble?: Trouble | undefined } = {};

  /** `known`: since before the process started, or by another question; as if it had been read when it was. */
  constructor(known: Snapshot | undefined) {
    const at = known && readAt(known);
    this.snapshot = at === undefined ? undefined : known;
    this.readAt = at ?? Number.NEGATIVE_INFINITY;
  }

  /** What a read came to. A failure leaves the snapshot, and what was never sent leaves all as it is. */
  settle(outcome: ReadOutcome): void {
    if (outcome.ok) {
      const { snapshot } = outcome;
      this.snapshot = snapshot.exchange ? snapshot : { ...snapshot, exchange: this.snapshot?.exchange };
      this.trouble = undefined;
    } else if (!isRefused(outcome.trouble)) {
      this.trouble = outcome.trouble;
      if (this.snapshot && this.#refuted) this.snapshot = withoutPush(this.snapshot);
    }
  }

  /** What is put together now from reads and push; before the first read it is nothing. */
  hear(composed: Snapshot | undefined): void {
    if (composed && this.snapshot && !this.#refuted) this.snapshot = { ...composed, exchange: this.snapshot.exchange };
  }

  /** Whether there is news since this was asked last. */
  isNews(): boolean {
    const { snapshot, trouble } = this;
    const told = this.#told;
    const sameTrouble = trouble?.failure === told.trouble?.failure && trouble?.until === told.trouble?.until;
    if (snapshot === told.snapshot && sameTrouble) return false;
    this.#told = { snapshot, trouble };
    return true;
  }

  /** RingCentral says that there is nothing to know: then push, which is merely silent, is not believed either. */
  get #refuted(): boolean {
    const reason = this.trouble?.failure.reason;
    return reason === "UPSTREAM_NOT_FOUND" || reason === "UPSTREAM_PERMISSION_DENIED";
  }
}
