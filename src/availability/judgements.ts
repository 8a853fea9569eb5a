import type { Criteria } from "../acceptance/criteria.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Evaluation } from "../acceptance/evaluate.ts";
import { type Age, ageOf, type Snapshot, withoutPush } from "../presence/snapshot.ts";

/** A snapshot, what the criteria say of it, and how old it is for them. */
export interface Judged extends Age {
  readonly snapshot: Snapshot;
  readonly evaluation: Evaluation;
}

interface JudgementsDeps {
  readonly evaluate: (criteria: Criteria, document: PresenceDocument) => Evaluation | Promise<Evaluation>;
  /** Something is judged that was not at once. */
  readonly onLate: () => void;
  /** There is a real verdict. */
  readonly onReal: () => void;
}

/** A document that is judged once, however often it is observed. */
interface Subject {
  /** Counts what was given to be judged: the newest has the highest. */
  readonly number: number;
  /** The newest one with this document. */
  snapshot: Snapshot;
  /** How old it was when another document came; undefined before that. */
  settledAge: Age | undefined;
}

interface Verdict {
  readonly subject: Subject;
  readonly evaluation: Evaluation;
}

/** Judgements is what the criteria of one destination say of its question's snapshots. */
export class Judgements {
  /** Resolves when what came last is judged; undefined when it is already. */
  judging: Promise<void> | undefined;
  readonly #deps: JudgementsDeps;
  #criteria: Criteria | undefined;
  /** Changes with the criteria. */
  #round = 0;
  #count = 0;
  /** What was given last to be judged. */
  #taken: Subject | undefined;
  #newest: Verdict | undefined;
  #lastReal: Verdict | undefined;

  constructor(criteria: Criteria | undefined, deps: JudgementsDeps) {
    this.#criteria = criteria;
    this.#deps = deps;
  }

  /** The newest judged snapshot. */
  get newest(): Judged | undefined {
    return this.#dated(this.#newest);
  }

  /** What was made of it: what `newest` says, without its age. */
  get newestEvaluation(): Evaluation | undefined {
    return this.#newest?.evaluation;
  }

  /** The newest of them with a real verdict: accepted or rejected. */
  get lastReal(): Judged | undefined {
    return this.#dated(this.#lastReal);
  }

  age(snapshot: Snapshot): Age {
    return ageOf(snapshot, this.#criteria?.dependsOn ?? []);
  }

  /**
   * Other criteria hold. `question` is what is asked about now: while nothing is, the last real verdict is kept until
   * something is again, and then taken again with these criteria where the question is the same.
   */
  restart(
    criteria: Criteria | undefined,
    question: { readonly same: boolean; readonly newest: Snapshot | undefined } | undefined,
  ): void {
    const known = this.#lastReal?.subject.snapshot;
    this.#stop(criteria);
    if (!question) return;
    this.#lastReal = undefined;
    // The older one first.
    if (known && question.same && known !== question.newest) this.#judge(this.#subject(withoutPush(known)), false);
  }

  /** The question was read, or push told something of it. */
  take(snapshot: Snapshot): void {
    const before = this.#taken;
    if (before?.snapshot === snapshot) return;
    if (before?.snapshot.document === snapshot.document) {
      before.snapshot = snapshot;
      return;
    }
    if (before) {
      // What push keeps current is another document from now on: this one grows old.
      before.settledAge = this.age(before.snapshot);
      before.snapshot = withoutPush(before.snapshot);
    }
    this.#taken = this.#subject(snapshot);
    this.#judge(this.#taken, true);
  }

  close(): void {
    this.#stop(undefined);
  }

  #stop(criteria: Criteria | undefined): void {
    this.#criteria = criteria;
    this.#round++;
    this.judging = undefined;
    this.#taken = undefined;
    this.#newest = undefined;
  }

  #subject(snapshot: Snapshot): Subject {
    return { number: ++this.#count, snapshot, settledAge: undefined };
  }

  #dated(verdict: Verdict | undefined): Judged | undefined {
    if (!verdict) return undefined;
    const { subject, evaluation } = verdict;
    const { at, pushed } = subject.settledAge ?? this.age(subject.snapshot);
    return { snapshot: subject.snapshot, evaluation, at, pushed };
  }

  #judge(subject: Subject, isNewest: boolean): void {
    const criteria = this.#criteria;
    if (!criteria) return;
    const judged = (evaluation: Evaluation) => {
      const verdict = { subject, evaluation };
      // What had to be judged in the worker may come after what came later.
      if (isNewest && !isLater(this.#newest, verdict)) this.#newest = verdict;
      if (evaluation.verdict === "UNDECIDED" || isLater(this.#lastReal, verdict)) return;
      this.#lastReal = verdict;
      this.#deps.onReal();
    };
    const evaluation = this.#deps.evaluate(criteria, subject.snapshot.document);
    if (!(evaluation instanceof Promise)) {
      judged(evaluation);
      return;
    }
    const round = this.#round;
    const judging = evaluation.then((late) => {
      if (this.judging === judging) this.judging = undefined;
      // Other criteria hold by now.
      if (this.#round !== round) return;
      judged(late);
      this.#deps.onLate();
    });
    this.judging = judging;
  }
}

function isLater(one: Verdict | undefined, other: Verdict): boolean {
  return one !== undefined && one.subject.number > other.subject.number;
}
