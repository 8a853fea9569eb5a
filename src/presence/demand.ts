import type { Clock } from "../lib/clock.ts";
import type { Purpose } from "../ringcentral/calls/turn.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { ASKED_LATELY_MS } from "./cadence.ts";
import type { Member } from "./member.ts";
import { ageOf, type Snapshot } from "./snapshot.ts";

/** Demand is who wants a question read, and how new they want it. */
export class Demand {
  readonly members = new Set<Member>();
  readonly #clock: Pick<Clock, "now">;
  #watchers = 0;
  #askedAt = Number.NEGATIVE_INFINITY;
  #watchedUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Asked by a Check in the last minute. */
  get askedLately(): boolean {
    return this.#clock.now() - this.#askedAt < ASKED_LATELY_MS;
  }

  /** The destinations that want it read: those that are not disabled, overridden or closed. */
  get askers(): IteratorObject<Member> {
    return this.members.values().filter(({ asking }) => asking);
  }

  get asking(): boolean {
    return this.askers.some(() => true);
  }

  /** Watched actively, or asked by a Check lately, for a destination that wants reads. */
  get present(): boolean {
    return (this.#watchers > 0 || this.askedLately) && this.asking;
  }

  /** When it was last in demand, Unix milliseconds: now, while it is. */
  get lastAt(): number {
    const now = this.#clock.now();
    return this.present ? now : Math.max(this.#watchedUntil, Math.min(this.#askedAt + ASKED_LATELY_MS, now));
  }

  /** The smallest max_age of those that want it read, in milliseconds. */
  get maxAgeMs(): number {
    return Math.min(...this.askers.map(({ maxAgeMs }) => maxAgeMs));
  }

  /** The longest timeout of its destinations, in milliseconds. */
  get timeoutMs(): number {
    return Math.max(0, ...this.members.values().map(({ timeoutMs }) => timeoutMs));
  }

  /** A Check asks now. */
  touch(): void {
    this.#askedAt = this.#clock.now();
  }

  /** There is news: of what was read, or could not be. */
  tell(): void {
    for (const member of this.members) member.onRead();
  }

  /** RingCentral was called for them. */
  called(call: UpstreamCall): void {
    for (const member of this.members) member.onCall(call);
  }

  /** An active watcher came (1) or went (-1). */
  watch(change: 1 | -1): void {
    this.#watchers += change;
    if (change === -1) this.#watchedUntil = this.#clock.now();
  }

  /** Whether push keeps everything current that those depend on that want it read. */
  keptByPush(snapshot: Snapshot | undefined): boolean {
    return snapshot !== undefined && this.askers.every((member) => ageOf(snapshot, member.dependsOn).pushed);
  }

  /** How old a snapshot is for the one of them that depends on the oldest of it, Unix milliseconds. */
  observedAt(snapshot: Snapshot): number {
    return Math.min(...this.askers.map((member) => ageOf(snapshot, member.dependsOn).at));
  }

  /** What push kept current for a while after it was read is as old as that while's end; -Infinity while it goes on. */
  keptUntil(snapshot: Snapshot | undefined): number {
    return snapshot && !this.keptByPush(snapshot) ? this.observedAt(snapshot) : Number.NEGATIVE_INFINITY;
  }

  /** What a scheduled read is for, given what is known. */
  purpose(newest: Snapshot | undefined): Purpose {
    if (!newest) return "never_read";
    if (this.keptByPush(newest)) return "reconcile";
    return this.askedLately ? "asked_lately" : "watched";
  }
}
