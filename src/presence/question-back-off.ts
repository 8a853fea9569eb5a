import type { Clock } from "../lib/clock.ts";
import { type Question, questionBackOffKey } from "../ringcentral/question.ts";
import { backOffOpened } from "../telemetry/events.ts";
import type { BackOffs } from "../upstream/backoff.ts";
import type { ReadOutcome, Trouble } from "./snapshot.ts";

export interface BackOffDeps {
  readonly clock: Pick<Clock, "now">;
  readonly backOffs: Pick<BackOffs, "open" | "blocked" | "succeeded" | "forgive">;
  /** What else keeps the question from being asked: trouble with its connection or budget. */
  readonly keys: () => { readonly connection: string; readonly budget: string };
}

/** QuestionBackOff remembers for one question what not to ask, and until when. */
export class QuestionBackOff {
  readonly #key: string;
  readonly #deps: BackOffDeps;

  constructor(question: Question, deps: BackOffDeps) {
    this.#key = questionBackOffKey(question);
    this.#deps = deps;
  }

  /** What keeps the question from being asked now. */
  get blocked(): Trouble | undefined {
    const { backOffs, clock, keys } = this.#deps;
    return backOffs.blocked([this.#key, ...Object.values(keys())], clock.now());
  }

  /** A new configuration or token may have cured what failed. */
  forgive(): void {
    this.#deps.backOffs.forgive([this.#key, this.#deps.keys().connection]);
  }

  /** The question was answered or failed; what concerns its connection or budget was remembered where it was called. */
  settled(outcome: ReadOutcome): ReadOutcome {
    const { backOffs, clock } = this.#deps;
    if (outcome.ok) {
      backOffs.succeeded([this.#key]);
      return outcome;
    }
    const { scope, reason, message } = outcome.trouble.failure;
    if (scope !== "question") return outcome;
    const until = backOffs.open(this.#key, outcome.trouble.failure, clock.now());
    backOffOpened({ scope, reason, message, key: this.#key, untilMs: until });
    return { ok: false, trouble: { ...outcome.trouble, until } };
  }
}
