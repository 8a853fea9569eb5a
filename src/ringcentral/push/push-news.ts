import type { Clock } from "../../lib/clock.ts";
import { pushEventReceived, pushUnreadable } from "../../telemetry/push-events.ts";
import { CoverageBook } from "./push-coverage.ts";
import type { PushEvent, PushFilter } from "./push-event.ts";
import { HeldEvents } from "./push-held.ts";

// A quiet session is resumed from where it was saved, however long it was quiet since: its proof of life only makes what is
// known look newer after a kill -9. More often, a thousand connections would keep the disk busy with nothing new.
const SAVE_PROOF_MS = 60_000;

export interface NewsDeps {
  readonly clock: Clock;
  /** For logs. */
  readonly connection: string;
  readonly onEvent: (event: PushEvent) => void;
  readonly onCoverage: (filters: readonly PushFilter[]) => void;
  /** What a restart would resume from is another. */
  readonly onSavable: () => void;
}

/** ShardNews is what a shard told, what it holds back, and what follows from both: its coverage. */
export class ShardNews {
  readonly #deps: NewsDeps;
  readonly #shard: number;
  readonly #held = new HeldEvents();
  readonly coverage: CoverageBook;
  #savedProof = 0;

  constructor(deps: NewsDeps, shard: number) {
    this.#deps = deps;
    this.#shard = shard;
    this.coverage = new CoverageBook((filters) => deps.onCoverage(filters));
  }

  /** Told at once when the line is live, held otherwise. */
  heard(event: PushEvent, live: boolean): void {
    if (live) this.#tell(event);
    else this.#held.add(event);
  }

  /** News could not be read, about the filter with this key, or about it is not known what: a change may be missed. */
  misheard(about: string | undefined, live: boolean): void {
    pushUnreadable({ connection: this.#deps.connection, shard: this.#shard, filter: about });
    if (live) this.coverage.restart(about, this.#deps.clock.now());
    else this.#held.addUnreadable(about);
  }

  /** Everything sent before `at` was told. */
  proved(at: number): void {
    this.coverage.prove(at);
    if (at >= this.#savedProof + SAVE_PROOF_MS) this.savable();
  }

  /** Tells what was held, and only then what `cover` makes of the coverage. */
  release(cover: () => void): void {
    for (const event of this.#held.take()) this.#tell(event);
    cover();
    const now = this.#deps.clock.now();
    for (const about of this.#held.takeUnreadable()) this.coverage.restart(about, now);
    this.savable();
  }

  /** What was held is of no use. */
  drop(): void {
    this.#held.clear();
  }

  savable(): void {
    this.#savedProof = this.coverage.aliveAt;
    this.#deps.onSavable();
  }

  #tell(event: PushEvent): void {
    pushEventReceived(event.kind);
    this.#deps.onEvent(event);
    this.savable();
  }
}
