import type { Criteria } from "../acceptance/criteria.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Evaluation } from "../acceptance/evaluate.ts";
import type { DestinationEntry } from "../destinations/registry.ts";
import type { Clock } from "../lib/clock.ts";
import type { Reason, Source, Verdict } from "../lib/reasons.ts";
import type { Member, QuestionReads } from "../presence/question-reads.ts";
import type { Snapshot } from "../presence/snapshot.ts";
import { type Answer, nextVersion, sameState } from "./answer.ts";
import { applyPolicy, type RealVerdict } from "./policy.ts";

export interface StandingDeps {
  readonly clock: Clock;
  readonly evaluate: (criteria: Criteria, document: PresenceDocument) => Evaluation | Promise<Evaluation>;
  /** The watched state is another one. */
  readonly onChange: (answer: Answer) => void;
  /** The watched state was observed again. */
  readonly onConfirm: (answer: Answer) => void;
  /** The first real verdict since template or credential changed. */
  readonly onProven: (entry: DestinationEntry) => void;
}

/** The newest snapshot as the criteria judge it. */
interface Judgement {
  readonly snapshot: Snapshot;
  readonly evaluation: Evaluation;
  /** The answers from it, made once and shared by everyone: as the watched state, and for who waited for the read. */
  cache?: Answer;
  live?: Answer;
}

// A watched state may be this many read intervals old before it is called too old.
const INTERVALS_BEFORE_STALE = 3;

/** Standing is where one destination stands: its watched state, and what the next Check is answered from. */
export class Standing implements Member {
  entry: DestinationEntry;
  /** The question's reads; undefined while the destination is disabled or invalid and asks nothing. */
  reads: QuestionReads | undefined;
  /** The question that what is known of the presence is about. */
  questionKey: string | undefined;
  /** The watched state. */
  current: Answer;

  readonly #deps: StandingDeps;
  #judgement: Judgement | undefined;
  #judging: Promise<void> | undefined;
  #lastReal: RealVerdict | undefined;
  #proven: boolean;
  #cancelTimer = () => {};

  constructor(entry: DestinationEntry, previousVersion: bigint, deps: StandingDeps) {
    this.entry = entry;
    this.#deps = deps;
    this.#proven = entry.proven;
    const { version: _, ...state } = this.#watched(deps.clock.now()).state;
    this.current = { ...state, version: nextVersion(previousVersion, deps.clock.now()) };
  }

  get maxAgeMs(): number {
    return this.entry.compiled?.maxAgeMs ?? 0;
  }

  get timeoutMs(): number {
    return this.entry.compiled?.timeoutMs ?? 0;
  }

  /** When the newest judged snapshot was observed, Unix milliseconds. */
  get observedAt(): number | undefined {
    return this.#judgement?.snapshot.observedAt;
  }

  /** Takes a new configuration. `sameQuestion`: what is known of the presence is still about it. */
  reconfigure(entry: DestinationEntry, reads: QuestionReads | undefined, sameQuestion: boolean): void {
    this.entry = entry;
    this.reads = reads;
    this.#proven = entry.proven;
    this.#judgement = undefined;
    this.#judging = undefined;
    const known = sameQuestion ? this.#lastReal : undefined;
    this.#lastReal = undefined;
    if (known && entry.compiled) this.#judge(known, (evaluation) => this.#remember(known, evaluation));
    this.onRead();
  }

  /** The question was read, or could not be. */
  onRead(): void {
    const newest = this.reads?.newest;
    if (newest && newest !== this.#judgement?.snapshot) {
      this.#judge(newest, (evaluation) => {
        this.#judgement = { snapshot: newest, evaluation };
        this.#remember(newest, evaluation);
      });
    }
    this.refresh();
  }

  /** Resolves when what was read last is judged; undefined when it is already. */
  get judging(): Promise<void> | undefined {
    return this.#judging;
  }

  /** The answer from the newest judged snapshot; call it only when there is one. */
  fromSnapshot(source: "LIVE" | "CACHE", now: number): Answer {
    const judgement = this.#judgement!;
    const { cache } = judgement;
    if (cache) {
      if (source === "CACHE") return cache;
      judgement.live ??= { ...cache, source: "LIVE" };
      return judgement.live;
    }
    const { state } = this.#judged(judgement, source, now);
    return this.#withVersion(state, now);
  }

  /** The answer for one call that could not be decided. It has the watched state's version where it says the same. */
  undecided(why: { reason: Reason; message: string; retryAt: number | undefined }, now: number): Answer {
    return this.#withVersion(this.#undecided(why, undefined, now).state, now);
  }

  /** Brings the watched state up to the present. */
  refresh(): void {
    this.#cancelTimer();
    const now = this.#deps.clock.now();
    const { state, until, judgement } = this.#watched(now);
    if (until !== undefined) this.#cancelTimer = this.#deps.clock.after(until + 1 - now, () => this.refresh());
    const before = this.current;
    const changed = !sameState(before, state);
    this.current = { ...state, version: changed ? nextVersion(before.version, now) : before.version };
    // A real verdict does not change by waiting, so it is made once; a policy's outcome does.
    if (judgement && isReal(judgement.evaluation)) {
      judgement.cache = this.current;
      delete judgement.live;
    }
    if (changed) this.#deps.onChange(this.current);
    else if (before.observedAt !== this.current.observedAt) this.#deps.onConfirm(this.current);
  }

  close(): void {
    this.#cancelTimer();
    this.reads = undefined;
    this.#judging = undefined;
  }

  #judge(of: { document: PresenceDocument }, then: (evaluation: Evaluation) => void): void {
    const { entry } = this;
    const evaluation = this.#deps.evaluate(entry.compiled!.criteria, of.document);
    if (!(evaluation instanceof Promise)) return then(evaluation);
    const judging = evaluation.then((late) => {
      if (this.#judging !== judging) return; // a newer snapshot or configuration took its place
      this.#judging = undefined;
      then(late);
      this.refresh();
    });
    this.#judging = judging;
  }

  #remember(of: { document: PresenceDocument; observedAt: number }, evaluation: Evaluation): void {
    if (!isReal(evaluation)) return;
    this.#lastReal = { document: of.document, observedAt: of.observedAt, evaluation };
    if (this.#proven) return;
    this.#proven = true;
    this.#deps.onProven(this.entry);
  }

  /** The watched state as things are now, and when it may become another by waiting. */
  #watched(now: number): { state: Answer; until: number | undefined; judgement?: Judgement } {
    const { entry, reads } = this;
    if (entry.disabled) {
      const message = "The destination is disabled";
      return { state: this.#state({ verdict: "REJECTED", reason: "DESTINATION_DISABLED", message }), until: undefined };
    }
    if (!entry.compiled) {
      return this.#undecided(
        { reason: "DESTINATION_INVALID", message: entry.invalid, retryAt: undefined },
        undefined,
        now,
      );
    }
    const trouble = reads?.trouble;
    if (trouble) {
      return this.#undecided({ ...trouble.failure, retryAt: trouble.until }, undefined, now);
    }
    const judgement = this.#judgement;
    if (!judgement) {
      const message = "Nothing was read yet";
      return this.#undecided({ reason: "NOT_OBSERVED_YET", message, retryAt: reads?.nextAt }, undefined, now);
    }
    const limit = Math.max(this.maxAgeMs, INTERVALS_BEFORE_STALE * (reads?.intervalMs ?? 0));
    const staleAt = judgement.snapshot.observedAt + limit;
    if (now > staleAt) {
      const message = "The newest snapshot is too old";
      return this.#undecided({ reason: "NOT_IN_TIME", message, retryAt: reads?.nextAt }, undefined, now);
    }
    const { state, until } = this.#judged(judgement, "CACHE", now);
    return { state, until: until === undefined ? staleAt : Math.min(until, staleAt), judgement };
  }

  #judged(judgement: Judgement, source: Source, now: number): { state: Answer; until: number | undefined } {
    const { evaluation, snapshot } = judgement;
    const { verdict, reason, message } = evaluation;
    const asRead = { evaluation, observedAt: snapshot.observedAt, source };
    if (verdict === "UNDECIDED") return this.#undecided({ reason, message, retryAt: this.reads?.nextAt }, asRead, now);
    return {
      state: this.#state({ verdict, reason, message, accepted: verdict === "ACCEPTED", ...asRead }),
      until: undefined,
    };
  }

  #undecided(
    why: { reason: Reason; message: string; retryAt: number | undefined },
    asRead: { evaluation: Evaluation; observedAt: number; source: Source } | undefined,
    now: number,
  ): { state: Answer; until: number | undefined } {
    const policy = this.entry.compiled?.failure ?? { onUndecided: "REJECT", lastKnownLimitMs: 0 };
    const outcome = applyPolicy({
      reason: why.reason,
      policy,
      lastReal: this.#lastReal,
      proven: this.#proven,
      asRead,
      now,
    });
    return { state: this.#state({ verdict: "UNDECIDED", ...why, ...outcome }), until: outcome.until };
  }

  #state(given: {
    verdict: Verdict;
    reason: Reason;
    message: string;
    accepted?: boolean;
    source?: Source;
    evaluation?: Evaluation | undefined;
    observedAt?: number | undefined;
    retryAt?: number | undefined;
  }): Answer {
    const { observedAt } = given;
    return {
      destinationId: this.entry.id,
      accepted: given.accepted ?? false,
      verdict: given.verdict,
      reason: given.reason,
      message: given.message,
      measured: given.evaluation?.measured,
      agents: given.evaluation?.agents,
      observedAt,
      validUntil: observedAt === undefined ? undefined : observedAt + this.maxAgeMs,
      source: given.source ?? "NONE",
      destinationRevision: this.entry.revision,
      version: 0n,
      retryAt: given.retryAt,
    };
  }

  /** A state that is also the watched one has its version; one for this call alone has none. */
  #withVersion(state: Answer, _now: number): Answer {
    const { current } = this;
    if (state.reason === "NOT_IN_TIME") return state;
    const watched = state.source === "LIVE" ? { ...state, source: current.source } : state;
    return sameState(current, watched) ? { ...state, version: current.version } : state;
  }
}

function isReal(evaluation: Evaluation): boolean {
  return evaluation.verdict !== "UNDECIDED";
}
