import type { DatabaseSync } from "node:sqlite";
import type { HistoryLimits } from "./history.ts";

const MINUTE_MS = 60_000;
// A row that is further ahead than this was written under a wrong clock; it would be in the way of all behind it.
const AHEAD_MS = 24 * 60 * MINUTE_MS;
// Counting a destination's changes costs as much as adding some hundred, so it is done once for so many.
const LOOK_EVERY = 500;
const MOST_LOOKS = 20;

/** HistoryPruner forgets what need not be kept, a bounded part at a time, within the caller's transaction. */
export class HistoryPruner {
  readonly #limits: HistoryLimits;
  readonly #statements;
  /** Changes added since a destination was last looked at. */
  readonly #added = new Map<number, number>();
  /** Destinations that may have too many changes. */
  readonly #due = new Set<number>();

  constructor(database: DatabaseSync, limits: HistoryLimits) {
    this.#limits = limits;
    this.#statements = prepare(database);
  }

  /** A change of a destination was added. */
  added(destination: number): void {
    // Of one that was not looked at since the start nothing is known.
    const added = (this.#added.get(destination) ?? LOOK_EVERY) + 1;
    this.#added.set(destination, added);
    if (added > LOOK_EVERY) this.#due.add(destination);
  }

  /** Removes at most `chunk` rows; true = there are more to remove, or more places to look at. */
  step(now: number): boolean {
    const { changes, chunk, bytes, ageMs, ageWhenLargeMs } = this.#limits;
    const { tooMany, tooManyDelete, oldChanges, oldChecks, size } = this.#statements;
    let left = chunk;
    let looks = MOST_LOOKS;
    for (const destination of this.#due) {
      if (left === 0 || looks-- === 0) return true;
      const edge = tooMany.get(destination, changes) as { version: bigint } | undefined;
      if (edge) left -= Number(tooManyDelete.run(destination, edge.version, left).changes);
      if (left === 0) return true;
      this.#due.delete(destination);
      this.#added.set(destination, 0);
    }
    const used = (size.get() as { bytes: number }).bytes;
    const oldest = now - (used > bytes ? ageWhenLargeMs : ageMs);
    left -= Number(oldChanges.run(left, oldest, now + AHEAD_MS).changes);
    if (left > 0) left -= Number(oldChecks.run(Math.floor(oldest / MINUTE_MS), left).changes);
    return left === 0;
  }
}

function prepare(database: DatabaseSync) {
  const statements = {
    tooMany: database.prepare(
      "select version from changes where destination = ? order by version desc limit 1 offset ?",
    ),
    tooManyDelete: database.prepare(`
      delete from changes where seq in
        (select seq from changes where destination = ? and version <= ? order by version limit ?)`),
    // Rows are added in the order of time, so the old ones are the first ones.
    oldChanges: database.prepare(`
      delete from changes where seq in (select seq from changes order by seq limit ?) and (time < ? or time > ?)`),
    oldChecks: database.prepare(`
      delete from checks where (minute, destination, reason) in
        (select minute, destination, reason from checks where minute < ? order by minute, destination, reason limit ?)`),
    // Pages that are free are used again before the file grows.
    size: database.prepare(`
      select (page_count - freelist_count) * page_size bytes
      from pragma_page_count, pragma_freelist_count, pragma_page_size`),
  };
  statements.tooMany.setReadBigInts(true);
  return statements;
}
