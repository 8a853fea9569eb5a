import { pushLiveChanged } from "../../telemetry/push-events.ts";
import type { Coverage } from "./coverage.ts";
import type { PushFilter } from "./push-event.ts";
import { filterKey } from "./push-filters.ts";

interface Covered {
  readonly filter: PushFilter;
  readonly since: number;
}

/**
 * CoverageBook is what one shard promises of each filter: a value that was read after `since`, with every event applied
 * that was told, is the truth of some moment at or after `aliveAt`. So events are told before `aliveAt` passes them, and
 * whatever may have been missed begins the coverage of a filter anew.
 */
export class CoverageBook {
  readonly #onCoverage: (filters: readonly PushFilter[]) => void;
  #covered: ReadonlyMap<string, Covered> = new Map();
  #aliveAt = 0;
  #live = false;

  constructor(onCoverage: (filters: readonly PushFilter[]) => void) {
    this.#onCoverage = onCoverage;
  }

  get live(): boolean {
    return this.#live;
  }

  get aliveAt(): number {
    return this.#aliveAt;
  }

  of(key: string): Coverage | undefined {
    const covered = this.#covered.get(key);
    return covered && { since: covered.since, aliveAt: this.#aliveAt, live: this.#live };
  }

  /**
   * Of a subscription that was asked for at `askedAt` and confirmed at `since`: nothing that was read before is believed.
   * The answer proves no more than any other: events that are newer than the request may be under way behind it.
   */
  begin(served: ReadonlyMap<string, PushFilter>, askedAt: number, since: number): void {
    this.#replace(served, () => since);
    this.#aliveAt = askedAt;
    this.#setLive(true);
    this.#tell(served.values());
  }

  /** Of a subscription that took over, without a gap, what the one before served; new filters count from `since`. */
  takeOver(served: ReadonlyMap<string, PushFilter>, since: number, aliveAt: number): void {
    const before = this.#covered;
    this.#replace(served, (key) => before.get(key)?.since ?? since);
    this.resume(aliveAt);
  }

  /** All that was missed has come. */
  resume(aliveAt: number): void {
    this.#setLive(true);
    this.prove(aliveAt);
    this.#tell([...this.#covered.values()].map(({ filter }) => filter));
  }

  /** As it was saved by an earlier life of the process; not live before it is resumed. */
  restore(covered: readonly Covered[], aliveAt: number): void {
    this.#covered = new Map(covered.map((entry) => [filterKey(entry.filter), entry]));
    this.#aliveAt = aliveAt;
  }

  /** Everything sent before `at` was told. */
  prove(at: number): void {
    this.#aliveAt = Math.max(this.#aliveAt, at);
  }

  /** A change may be missed of one filter, or of any: only what is read from now on is believed. */
  restart(about: string | undefined, now: number): void {
    const touched = [...this.#covered].filter(([key]) => about === undefined || reaches(key, about));
    const covered = new Map(this.#covered);
    for (const [key, { filter }] of touched) covered.set(key, { filter, since: now });
    this.#covered = covered;
    this.#tell(touched.map(([, { filter }]) => filter));
  }

  /** The session ended: what is covered stands still. */
  stop(): void {
    if (!this.#live) return;
    this.#setLive(false);
    this.#tell([...this.#covered.values()].map(({ filter }) => filter));
  }

  #setLive(live: boolean): void {
    if (live !== this.#live) pushLiveChanged(live);
    this.#live = live;
  }

  #replace(served: ReadonlyMap<string, PushFilter>, since: (key: string) => number): void {
    const ended = [...this.#covered].filter(([key]) => !served.has(key)).map(([, { filter }]) => filter);
    this.#covered = new Map([...served].map(([key, filter]) => [key, { filter, since: since(key) }]));
    this.#tell(ended);
  }

  #tell(filters: Iterable<PushFilter>): void {
    const list = [...filters];
    if (list.length > 0) this.#onCoverage(list);
  }
}

/** Whether the filter `key` may have carried an event about `about`; the account's carries those of every extension. */
function reaches(key: string, about: string): boolean {
  return key === about || (key === "account" && about.startsWith("extension:"));
}
