import type { DatabaseSync } from "node:sqlite";
import type { ChangeRow, CountRow, HistoryBatch, HistoryLimits, HistoryQuery, HistoryRows } from "./history.ts";
import { HistoryPruner } from "./history-pruner.ts";

const MINUTE_MS = 60_000;
const GREATEST_VERSION = 2n ** 63n - 1n;

/** HistoryTables reads and writes the tables of one open history; each call does its work at once. */
export class HistoryTables {
  readonly #database: DatabaseSync;
  readonly #pruner: HistoryPruner;
  readonly #statements;
  /** Numbers of names that were stored. */
  readonly #ids = new Map<string, number>();

  constructor(database: DatabaseSync, limits: HistoryLimits) {
    this.#database = database;
    this.#pruner = new HistoryPruner(database, limits);
    this.#statements = prepare(database);
  }

  write({ changes, counts }: HistoryBatch): void {
    if (changes.length + counts.length === 0) return;
    this.#transaction(() => {
      const { change, count } = this.#statements;
      for (const { destinationId, version, time, answer } of changes) {
        change.run(this.#number(destinationId), version, time, answer ?? null);
      }
      for (const row of counts) {
        const minute = Math.floor(row.minute / MINUTE_MS);
        count.run(minute, this.#number(row.destinationId), this.#number(row.reason), row.count, row.accepted);
      }
    });
    for (const { destinationId } of changes) this.#pruner.added(this.#number(destinationId));
  }

  read(query: HistoryQuery): HistoryRows {
    const { destinationId, startMs, endMs, after, size } = query;
    const id = this.#known(destinationId);
    if (id === undefined) return { before: undefined, changes: [], counts: [] };
    const inRange = this.#statements.changes.all(id, after ?? -1n, startMs, endMs, size) as unknown as Stored[];
    const changes = inRange.map((row) => changeRow(destinationId, row));
    return { before: this.#before(id, query, changes[0]), changes, counts: this.#counts(id, query) };
  }

  prune(now: number): boolean {
    return this.#transaction(() => this.#pruner.step(now));
  }

  close(): void {
    this.#database.close();
  }

  #before(id: number, query: HistoryQuery, first: ChangeRow | undefined): ChangeRow | undefined {
    if (query.after !== undefined) return undefined;
    const row = this.#statements.before.get(id, first?.version ?? GREATEST_VERSION, query.startMs);
    return row && changeRow(query.destinationId, row as unknown as Stored);
  }

  #counts(id: number, { destinationId, minutes }: HistoryQuery): CountRow[] {
    if (!minutes) return [];
    const [from, to] = [Math.floor(minutes.from / MINUTE_MS), Math.ceil(minutes.to / MINUTE_MS)];
    if (from >= to) return [];
    const rows = this.#statements.counts.all(from, to, id) as unknown as Omit<CountRow, "destinationId">[];
    return rows.map((row) => ({ ...row, destinationId, minute: row.minute * MINUTE_MS }));
  }

  #known(name: string): number | undefined {
    return this.#ids.get(name) ?? (this.#statements.nameId.get(name) as { id: number } | undefined)?.id;
  }

  #number(name: string): number {
    const id = this.#known(name) ?? Number(this.#statements.addName.run(name).lastInsertRowid);
    this.#ids.set(name, id);
    return id;
  }

  #transaction<T>(work: () => T): T {
    this.#database.exec("begin immediate");
    try {
      const done = work();
      this.#database.exec("commit");
      return done;
    } catch (error) {
      // Names that were numbered in it are not stored.
      this.#ids.clear();
      if (this.#database.isTransaction) this.#database.exec("rollback");
      throw error;
    }
  }
}

interface Stored {
  readonly version: bigint;
  readonly time: number;
  readonly answer: string | null;
}

function changeRow(destinationId: string, { version, time, answer }: Stored): ChangeRow {
  return { destinationId, version, time, answer: answer ?? undefined };
}

function prepare(database: DatabaseSync) {
  const statements = {
    nameId: database.prepare("select id from names where name = ?"),
    addName: database.prepare("insert into names (name) values (?)"),
    change: database.prepare("insert into changes (destination, version, time, answer) values (?, ?, ?, ?)"),
    count: database.prepare(`
      insert into checks (minute, destination, reason, count, accepted) values (?, ?, ?, ?, ?)
      on conflict do update set count = count + excluded.count, accepted = accepted + excluded.accepted`),
    changes: database.prepare(`
      select version, time, answer from changes
      where destination = ? and version > ? and time >= ? and time < ? and answer is not null order by version limit ?`),
    before: database.prepare(`
      select version, time, answer from changes
      where destination = ? and version < ? and time < ? order by version desc limit 1`),
    // One look-up per minute: the destinations of a minute lie side by side.
    counts: database.prepare(`
      with recursive minutes (number) as
        (select column1 from (values (?)) union all select number + 1 from minutes where number + 1 < ?)
      select checks.minute, names.name reason, checks.count, checks.accepted
      from minutes cross join checks on checks.minute = minutes.number and checks.destination = ?
      cross join names on names.id = checks.reason order by checks.minute`),
  };
  statements.changes.setReadBigInts(true);
  statements.before.setReadBigInts(true);
  return statements;
}
