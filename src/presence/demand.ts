import type { Clock } from "../lib/clock.ts";
import type { Purpose } from "../ringcentral/turn.ts";
import { ASKED_LATELY_MS } from "./cadence.ts";
import type { Member } from "./member.ts";
import { ageOf, type Snapshot } from "./snapshot.ts";

/** Demand is who wants a question read, and how new they want it. */
export class Demand {
  readonly members = new Set<Member>();
  readonly #clock: Pick<Clock, "now">;
  #watchers = 0;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  /** Asked by a Check in the last minute. */
  get askedLately(): boolean {
    return this.#clock.now() - this.#askedAt < ASKED_LATELY_MS;
  }

  /** Some destination wants it read: it is not disabled, overridden or closed. */
  get asking(): boolean {
    return this.members.values().some(({ asking }) => asking);
  }

  /** Watched actively, or asked by a Check lately, for a destination that wants reads. */
  get present(): boolean {
    return (this.#watchers > 0 || this.askedLately) && this.asking;
  }

  /** The smallest max_age of its destinations, in milliseconds. */
  get maxAgeMs(): number {
    return Math.min(...this.members.values().map(({ maxAgeMs }) => maxAgeMs));
  }

  /** The longest timeout of its destinations, in milliseconds. */
  get timeoutMs(): number {
    return Math.max(0, ...this.members.values().map(({ timeoutMs }) => timeoutMs));
  }

  /** A Check asks now. */
  touch(): void {
    this.#askedAt = this.#clock.now();
  }

  /** An active watcher came (1) or went (-1). */
  watch(change: 1 | -1): void {
    this.#watchers += change;
  }

  /** Whether push keeps everything current that the destinations depend on. */
  keptByPush(snapshot: Snapshot | undefined): boolean {
    return snapshot !== undefined && this.members.values().every((member) => ageOf(snapshot, member.dependsOn).pushed);
  }

  /** How old a snapshot is for the destination that depends on the oldest of it, Unix milliseconds. */
  observedAt(snapshot: Snapshot): number {
    return Math.min(...this.members.values().map((member) => ageOf(snapshot, member.dependsOn).at));
  }

  /** What a scheduled read is for, given what is known. */
  purpose(newest: Snapshot | undefined): Purpose {
    if (!newest) return "never_read";
    if (this.keptByPush(newest)) return "reconcile";
    return this.askedLately ? "asked_lately" : "watched";
  }
}
