import type { Judgement } from "./judge.ts";

/** Tally is what became of all the Checks of one client. */
export class Tally {
  checks = 0;
  decided = 0;
  readonly judged = new Map<Judgement, number>();
  wrongAccepted = 0;
  wrongRejected = 0;
  /** Undecided, by reason. */
  readonly undecided = new Map<string, number>();
  /** Undecided for a reason that nothing explains. */
  misplaced = 0;
  /** Decided on what was older than it may be. */
  tooOld = 0;
  /** What the caller does about it is not what the truth of that very moment would have him do. */
  missed = 0;
  /** The longest that a queue was without a right answer, in milliseconds, and where. */
  longest = { ms: 0, id: "" };
  readonly #rightAt = new Map<string, number>();

  /** A decision was compared with the truth. */
  judge(id: string, judgement: Judgement, accepted: boolean, at: number): void {
    this.decided++;
    this.judged.set(judgement, (this.judged.get(judgement) ?? 0) + 1);
    if (judgement !== "wrong") this.#right(id, at);
    else if (accepted) this.wrongAccepted++;
    else this.wrongRejected++;
  }

  undecide(reason: string): void {
    this.undecided.set(reason, (this.undecided.get(reason) ?? 0) + 1);
  }

  /** The time of a queue's Checks begins or ends. */
  mark(id: string, at: number): void {
    this.#right(id, at);
  }

  get undecidedInAll(): number {
    return [...this.undecided.values()].reduce((sum, count) => sum + count, 0);
  }

  #right(id: string, at: number): void {
    const ms = at - (this.#rightAt.get(id) ?? at);
    if (ms > this.longest.ms) this.longest = { ms, id };
    this.#rightAt.set(id, at);
  }
}
