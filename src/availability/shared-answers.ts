import type { Evaluation } from "../acceptance/evaluate.ts";
import { type Answer, redated } from "./answer.ts";
import type { Judged } from "./judgements.ts";

// Push proves alive with every frame, many times a second. An answer is made and encoded anew only when it would say that
// it is older by more than this.
const REDATE_MS = 250;

/**
 * SharedAnswers are the answers that the newest judged snapshot's real verdict gives: made once, and shared by everybody
 * who asks until there is a newer one.
 */
export class SharedAnswers {
  #evaluation: Evaluation | undefined;
  /** As the watched state. */
  #cache: Answer | undefined;
  /** For who waited for the read. */
  #live: Answer | undefined;

  /** The watched state is from here on what this evaluation gives. */
  share(evaluation: Evaluation, cache: Answer): void {
    this.#evaluation = evaluation;
    this.#cache = cache;
    this.#live = undefined;
  }

  clear(): void {
    this.#evaluation = undefined;
    this.#cache = undefined;
    this.#live = undefined;
  }

  has(answer: Answer): boolean {
    return this.#cache === answer;
  }

  /** The watched state as it is shared, if it is of this evaluation, observed at `since` or later, and dated well enough. */
  recent(evaluation: Evaluation | undefined, since: number, now: number): Answer | undefined {
    const cache = this.#cache;
    if (!cache || this.#evaluation !== evaluation || cache.observedAt! < since) return undefined;
    return cache.source === "CACHE" || now - cache.observedAt! < REDATE_MS ? cache : undefined;
  }

  /** The answer of a judged snapshot, if it is the shared one's: observed when that was. */
  of({ evaluation, at, pushed }: Judged, source: "LIVE" | "CACHE"): Answer | undefined {
    const cache = this.#cache;
    if (!cache || this.#evaluation !== evaluation || (cache.source === "PUSH") !== pushed) return undefined;
    // Push keeps parts of it current, so that it may be newer than it was when the answer was made.
    if (at !== cache.observedAt) this.share(evaluation, redated(cache, at));
    if (source === "CACHE") return this.#cache;
    this.#live ??= { ...this.#cache!, source };
    return this.#live;
  }
}
