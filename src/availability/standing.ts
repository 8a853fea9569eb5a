import type { Criteria } from "../acceptance/criteria.ts";
import type { Dated } from "../acceptance/dated.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Evaluation } from "../acceptance/evaluate.ts";
import type { Override } from "../destinations/override-record.ts";
import type { DestinationEntry } from "../destinations/registry.ts";
import type { Clock } from "../lib/clock.ts";
import type { Reason } from "../lib/reasons.ts";
import { CallLog } from "../presence/call-log.ts";
import type { Member } from "../presence/member.ts";
import type { QuestionReads } from "../presence/question-reads.ts";
import { type Age, ageOf, type Snapshot } from "../presence/snapshot.ts";
import type { Exchange } from "../ringcentral/call.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { type Answer, nextVersion, sameState } from "./answer.ts";
import { asks, type Facts, judgedState, undecided, watchedState } from "./state.ts";

export interface StandingDeps {
  readonly clock: Clock;
  readonly evaluate: (criteria: Criteria, document: PresenceDocument) => Evaluation | Promise<Evaluation>;
  /** The override in force for a destination. */
  readonly override: (destinationId: string) => Override | undefined;
  /** The time has come at which the state may be another. */
  readonly onDue: (standing: Standing) => void;
  /** The watched state is another one. */
  readonly onChange: (answer: Answer) => void;
  /** The watched state was observed again. */
  readonly onConfirm: (answer: Answer) => void;
  /** The first real verdict since template or credential changed. */
  readonly onProven: (entry: DestinationEntry) => void;
}

/** A snapshot, and what the criteria say of it. */
interface Judged {
  readonly snapshot: Snapshot;
  readonly evaluation: Evaluation;
}

// A watched state may be this many read intervals old before it is called too old.
const INTERVALS_BEFORE_STALE = 3;

/**
 * Standing is where one destination stands: its watched state, and what the next Check is answered from. A snapshot is
 * judged once; the answers from a real verdict are made once and shared by everybody.
 */
export class Standing implements Member {
  entry: DestinationEntry;
  /** The question's reads; undefined when the destination is invalid. */
  reads: QuestionReads | undefined;
  /** Whether RingCentral is asked for it now: it is not disabled, overridden, invalid or closed. */
  asking = false;
  /** The question that what is known of the presence is about. */
  questionKey: string | undefined;
  /** The calls of RingCentral that were made for it. */
  readonly calls = new CallLog();
  /** Resolves when what was read last is judged; undefined when it is already. */
  judging: Promise<void> | undefined;

  readonly #deps: StandingDeps;
  /** The newest snapshot that was given to be judged. */
  #taken: Snapshot | undefined;
  #judged: Judged | undefined;
  #current: Answer;
  /** The newest judged snapshot's real verdict as an answer: as the watched state, and for who waited for the read. */
  #shared: { readonly cache: Answer; live: Answer | undefined } | undefined;
  #lastReal: Judged | undefined;
  #proven: boolean;
  #cancelTimer = () => {};
  #closed = false;

  constructor(entry: DestinationEntry, previousVersion: bigint, deps: StandingDeps) {
    this.entry = entry;
    this.#deps = deps;
    this.#proven = entry.proven;
    const now = deps.clock.now();
    const { answer } = watchedState(this.#facts(), now);
    this.#current = { ...answer, version: nextVersion(previousVersion, now) };
  }

  /** The watched state. */
  get current(): Answer {
    this.#redate();
    return this.#current;
  }

  get maxAgeMs(): number {
    return this.entry.compiled?.maxAgeMs ?? 0;
  }

  get timeoutMs(): number {
    return this.entry.compiled?.timeoutMs ?? 0;
  }

  get dependsOn(): readonly Dated[] {
    return this.entry.compiled?.criteria.dependsOn ?? [];
  }

  /** Push keeps everything current that the newest judged snapshot's verdict depends on. */
  get pushed(): boolean {
    return this.#judged !== undefined && this.age(this.#judged.snapshot).pushed;
  }

  /** How old a snapshot is for this destination. */
  age(snapshot: Snapshot): Age {
    return ageOf(snapshot, this.dependsOn);
  }

  /** Whether the destination is to be asked about now. */
  asks(now: number): boolean {
    return asks({ entry: this.entry, override: this.#deps.override(this.entry.id) }, now);
  }

  /** When the newest judged snapshot was observed, Unix milliseconds. */
  get observedAt(): number | undefined {
    return this.#judged && this.age(this.#judged.snapshot).at;
  }

  /**
   * Takes a new configuration. `sameQuestion`: what is known of the presence is still about it. A destination that asks
   * nothing now keeps its last real verdict until it asks again.
   */
  reconfigure(entry: DestinationEntry, reads: QuestionReads | undefined, sameQuestion: boolean): void {
    const known = this.#lastReal;
    this.entry = entry;
    this.reads = reads;
    this.judging = undefined;
    this.#proven = entry.proven;
    this.#taken = undefined;
    this.#judged = undefined;
    this.#shared = undefined;
    if (reads) this.#lastReal = undefined;
    // Verdicts are taken again with the present criteria, the older one first.
    if (known && reads && sameQuestion && known.snapshot !== reads.newest) this.#judge(known.snapshot, () => {});
    this.onRead();
  }

  /** The question was read, or could not be. */
  onRead(): void {
    const newest = this.reads?.newest;
    if (newest && newest !== this.#taken) {
      const before = this.#taken;
      this.#taken = newest;
      if (before?.document === newest.document) this.#observedAgain(before, newest);
      else {
        this.#judge(newest, (evaluation) => {
          // What had to be judged in the worker may come after what came later.
          if (this.#judged && this.age(this.#judged.snapshot).at > this.age(newest).at) return;
          this.#judged = { snapshot: newest, evaluation };
          this.#shared = undefined;
        });
      }
    }
    this.refresh();
  }

  onCall(call: UpstreamCall): void {
    this.calls.add(call);
  }

  /** The answer from the newest judged snapshot; call it only when there is one. */
  fromSnapshot(source: "LIVE" | "CACHE", now: number): Answer {
    this.#redate();
    const shared = this.#shared;
    if (!shared) return this.#withVersion(judgedState(this.#facts(), source, now).answer);
    if (source === "CACHE") return shared.cache;
    shared.live ??= { ...shared.cache, source };
    return shared.live;
  }

  /** The answer for one call that could not be decided. It has the watched state's version where it says the same. */
  undecided(why: { reason: Reason; message: string; retryAt: number | undefined }, now: number): Answer {
    return this.#withVersion(undecided(this.#facts(), why, now).answer);
  }

  /** The presence and RingCentral's answer behind an answer just given. */
  evidence(answer: Answer): { document: PresenceDocument | undefined; exchange: Exchange | undefined } {
    const judged = this.#judged;
    const known =
      answer.observedAt === undefined ? undefined : answer.source === "LAST_KNOWN" ? this.#lastReal : judged;
    const document = known?.snapshot.document;
    // An older read's status and timings would explain an answer that no answer came to.
    if (answer.reason.startsWith("UPSTREAM_")) {
      const { trouble } = this.reads ?? {};
      return { document, exchange: trouble?.failure.reason === answer.reason ? trouble.exchange : undefined };
    }
    return { document, exchange: answer.reason === "NOT_IN_TIME" ? undefined : judged?.snapshot.exchange };
  }

  /** Brings the watched state up to the present. */
  refresh(): void {
    // What is being judged anew will be known in a moment; until then the state before stands.
    const comes = this.judging && !this.#judged && !this.reads?.trouble;
    if (this.#closed || comes) return;
    this.#cancelTimer();
    const { clock, onChange, onConfirm, onDue } = this.#deps;
    const now = clock.now();
    const { answer, until } = watchedState(this.#facts(), now);
    if (until !== undefined) this.#cancelTimer = clock.after(until + 1 - now, () => onDue(this));
    const before = this.#current;
    const changed = !sameState(before, answer);
    const current = { ...answer, version: changed ? nextVersion(before.version, now) : before.version };
    this.#current = current;
    // A real verdict does not change by waiting; what a policy makes of an undecided one does.
    if (isFromSnapshot(answer) && answer.verdict !== "UNDECIDED") this.#shared = { cache: current, live: undefined };
    if (changed) onChange(current);
    else if (before.observedAt !== current.observedAt) onConfirm(current);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.reads = undefined;
    this.judging = undefined;
  }

  /** A read or push says the same as before. */
  #observedAgain(before: Snapshot, newest: Snapshot): void {
    if (this.#judged?.snapshot === before) this.#judged = { ...this.#judged, snapshot: newest };
    if (this.#lastReal?.snapshot === before) this.#lastReal = { ...this.#lastReal, snapshot: newest };
  }

  /** While push keeps it current, the state was observed when the session last proved alive. */
  #redate(): void {
    const { observedAt } = this.#current;
    if (observedAt === undefined || this.#current.source !== "PUSH" || !this.#judged) return;
    const { at } = this.age(this.#judged.snapshot);
    if (at <= observedAt) return;
    this.#current = { ...this.#current, observedAt: at, validUntil: at + this.maxAgeMs };
    if (this.#shared) this.#shared = { cache: this.#current, live: undefined };
  }

  #judge(snapshot: Snapshot, then: (evaluation: Evaluation) => void): void {
    const { entry } = this;
    if (!entry.compiled) return;
    const judged = (evaluation: Evaluation) => {
      then(evaluation);
      this.#remember(snapshot, evaluation);
    };
    const evaluation = this.#deps.evaluate(entry.compiled.criteria, snapshot.document);
    if (!(evaluation instanceof Promise)) {
      judged(evaluation);
      return;
    }
    const judging = evaluation.then((late) => {
      if (this.judging === judging) this.judging = undefined;
      // Other criteria hold by now.
      if (this.entry !== entry || this.#closed) return;
      judged(late);
      this.refresh();
    });
    this.judging = judging;
  }

  #remember(snapshot: Snapshot, evaluation: Evaluation): void {
    if (evaluation.verdict === "UNDECIDED") return;
    if (this.#lastReal && this.age(this.#lastReal.snapshot).at > this.age(snapshot).at) return;
    this.#lastReal = { snapshot, evaluation };
    if (this.#proven) return;
    this.#proven = true;
    this.#deps.onProven(this.entry);
  }

  #facts(): Facts {
    const { entry, reads, maxAgeMs } = this;
    const judged = this.#judged;
    const lastReal = this.#lastReal;
    return {
      entry,
      override: this.#deps.override(entry.id),
      judged: judged && { ...this.age(judged.snapshot), evaluation: judged.evaluation },
      trouble: reads?.trouble,
      lastReal: lastReal && { ...this.age(lastReal.snapshot), evaluation: lastReal.evaluation },
      proven: this.#proven,
      // Asked only of what was read: it looks at every question of the connection.
      get staleAfterMs() {
        return Math.max(maxAgeMs, INTERVALS_BEFORE_STALE * (reads?.intervalMs ?? 0));
      },
      nextReadAt: reads?.nextAt,
    };
  }

  /** A state that is also the watched one has its version; one for this call alone has none. */
  #withVersion(answer: Omit<Answer, "version">): Answer {
    const { current } = this;
    const watched =
      answer.source === "LIVE" && isFromSnapshot(current) ? { ...answer, source: current.source } : answer;
    const shared = answer.reason !== "NOT_IN_TIME" && sameState(current, watched);
    return { ...answer, version: shared ? current.version : 0n };
  }
}

function isFromSnapshot({ source }: Pick<Answer, "source">): boolean {
  return source === "CACHE" || source === "PUSH";
}
