import type { Dated } from "../acceptance/dated.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Override } from "../destinations/override-record.ts";
import type { DestinationEntry } from "../destinations/registry.ts";
import type { Clock } from "../lib/clock.ts";
import type { Reason } from "../lib/reasons.ts";
import { CallLog } from "../presence/call-log.ts";
import type { Member } from "../presence/member.ts";
import type { QuestionReads } from "../presence/question-reads.ts";
import type { Age, Snapshot } from "../presence/snapshot.ts";
import type { Exchange } from "../ringcentral/calls/call.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { type Answer, nextVersion, redated, sameState } from "./answer.ts";
import { Judgements } from "./judgements.ts";
import { SharedAnswers } from "./shared-answers.ts";
import { asks, type Facts, judgedState, undecided, watchedState } from "./state.ts";

export interface StandingDeps extends Pick<ConstructorParameters<typeof Judgements>[1], "evaluate"> {
  readonly clock: Clock;
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

// A watched state may be this many read intervals old before it is called too old.
const INTERVALS_BEFORE_STALE = 3;

/**
 * Standing is where one destination stands: its watched state, and what the next Check is answered from. The answers from
 * a real verdict are made once and shared by everybody.
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

  readonly #deps: StandingDeps;
  readonly #judgements: Judgements;
  #current: Answer;
  readonly #shared = new SharedAnswers();
  #proven: boolean;
  #cancelTimer = () => {};
  #closed = false;

  constructor(entry: DestinationEntry, previousVersion: bigint, deps: StandingDeps) {
    this.entry = entry;
    this.#deps = deps;
    this.#proven = entry.proven;
    this.#judgements = new Judgements(entry.compiled?.criteria, {
      evaluate: deps.evaluate,
      onLate: () => this.refresh(),
      onReal: () => this.#prove(),
    });
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

  /** Resolves when what was read last is judged; undefined when it is already. */
  get judging(): Promise<void> | undefined {
    return this.#judgements.judging;
  }

  /** How old a snapshot is for this destination. */
  age(snapshot: Snapshot): Age {
    return this.#judgements.age(snapshot);
  }

  /** Whether the destination is to be asked about now. */
  asks(now: number): boolean {
    return asks({ entry: this.entry, override: this.#deps.override(this.entry.id) }, now);
  }

  /** When the newest judged snapshot was observed, Unix milliseconds. */
  get observedAt(): number | undefined {
    return this.#judgements.newest?.at;
  }

  /**
   * Takes a new configuration. `sameQuestion`: what is known of the presence is still about it. A destination that asks
   * nothing now keeps its last real verdict until it asks again.
   */
  reconfigure(entry: DestinationEntry, reads: QuestionReads | undefined, sameQuestion: boolean): void {
    this.entry = entry;
    this.reads = reads;
    this.#proven = entry.proven;
    this.#shared.clear();
    this.#judgements.restart(entry.compiled?.criteria, reads && { same: sameQuestion, newest: reads.newest });
    this.onRead();
  }

  /** The question was read, or could not be. */
  onRead(): void {
    const { newest } = this.reads ?? {};
    if (newest) this.#judgements.take(newest);
    this.refresh();
  }

  onCall(call: UpstreamCall): void {
    this.calls.add(call);
  }

  /** The answer from the newest judged snapshot, if that was observed at `since` or later. */
  fromMemory(since: number, now: number): Answer | undefined {
    const recent = this.#shared.recent(this.#judgements.newestEvaluation, since, now);
    if (recent) return recent;
    const { observedAt } = this;
    return observedAt !== undefined && observedAt >= since ? this.fromSnapshot("CACHE", now) : undefined;
  }

  /** The answer from the newest judged snapshot; call it only when there is one. */
  fromSnapshot(source: "LIVE" | "CACHE", now: number): Answer {
    this.#redate();
    const newest = this.#judgements.newest!;
    const shared = this.#shared.of(newest, source);
    if (shared) return shared;
    const given = source === "CACHE" && newest.pushed ? "PUSH" : source;
    return this.#withVersion(judgedState(this.#facts(), given, now).answer);
  }

  /** The answer for one call that could not be decided. It has the watched state's version where it says the same. */
  undecided(why: { reason: Reason; message: string; retryAt: number | undefined }, now: number): Answer {
    return this.#withVersion(undecided(this.#facts(), why, now).answer);
  }

  /** The presence and RingCentral's answer behind an answer just given. */
  evidence(answer: Answer): { document: PresenceDocument | undefined; exchange: Exchange | undefined } {
    const { newest: judged, lastReal } = this.#judgements;
    const known = answer.observedAt === undefined ? undefined : answer.source === "LAST_KNOWN" ? lastReal : judged;
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
    const comes = this.judging && !this.#judgements.newest && !this.reads?.trouble;
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
    if (isFromSnapshot(answer) && answer.verdict !== "UNDECIDED") {
      this.#shared.share(this.#judgements.newest!.evaluation, current);
    }
    if (changed) onChange(current);
    else if (before.observedAt !== current.observedAt) onConfirm(current);
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.reads = undefined;
    this.#judgements.close();
  }

  /** While push keeps it current, the state was observed when the session last proved alive. */
  #redate(): void {
    const { observedAt, source } = this.#current;
    if (observedAt === undefined || source !== "PUSH") return;
    const { at, evaluation } = this.#judgements.newest ?? {};
    if (at === undefined || at <= observedAt) return;
    const isShared = this.#shared.has(this.#current);
    this.#current = redated(this.#current, at);
    if (isShared) this.#shared.share(evaluation!, this.#current);
  }

  #prove(): void {
    if (this.#proven) return;
    this.#proven = true;
    this.#deps.onProven(this.entry);
  }

  #facts(): Facts {
    const { entry, reads, maxAgeMs } = this;
    const { newest, lastReal } = this.#judgements;
    return {
      entry,
      override: this.#deps.override(entry.id),
      judged: newest,
      trouble: reads?.trouble,
      lastReal,
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
