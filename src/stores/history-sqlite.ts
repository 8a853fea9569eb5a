import { type ChangeRow, type CountRow, HISTORY_LIMITS, type HistoryQuery, type HistoryRows } from "./history.ts";
import { isDamage, openHistoryFile, setAside } from "./history-file.ts";
import { HistoryTables } from "./history-tables.ts";
import { storeTrouble, storeUnavailable } from "./sqlite-errors.ts";

interface SqliteHistoryOptions {
  /** Absolute, or ":memory:". */
  readonly path: string;
  /** The file was damaged; it is at `aside` now, and a new one is begun. */
  readonly onSetAside: (aside: string) => void;
  readonly limits?: typeof HISTORY_LIMITS;
}

/**
 * SqliteHistory is the history in one SQLite file. The file is opened by the first call that can open it, and begun
 * anew when it turns out to be damaged. Calls throw UNAVAILABLE when they could not be done; each does its work at once,
 * waiting for the disk where it must, so a file is best used from a thread of its own.
 */
export class SqliteHistory {
  readonly #options: SqliteHistoryOptions;
  #tables: HistoryTables | undefined;
  #closed = false;

  constructor(options: SqliteHistoryOptions) {
    this.#options = options;
  }

  write(batch: { changes: readonly ChangeRow[]; counts: readonly CountRow[] }): void {
    this.#do("write", (tables) => tables.write(batch));
  }

  read(query: HistoryQuery): HistoryRows {
    return this.#do("read", (tables) => tables.read(query));
  }

  prune(now: number): boolean {
    return this.#do("prune", (tables) => tables.prune(now));
  }

  close(): void {
    this.#closed = true;
    this.#tables?.close();
    this.#tables = undefined;
  }

  #do<T>(action: string, work: (tables: HistoryTables) => T): T {
    const { path } = this.#options;
    if (this.#closed) throw storeUnavailable(action, path, "it is closed");
    try {
      try {
        return work(this.#open());
      } catch (error) {
        if (!isDamage(error) || path === ":memory:") throw error;
        this.#beginAnew();
        return work(this.#open());
      }
    } catch (error) {
      throw storeTrouble(action, path, error);
    }
  }

  #open(): HistoryTables {
    this.#tables ??= new HistoryTables(openHistoryFile(this.#options.path), this.#options.limits ?? HISTORY_LIMITS);
    return this.#tables;
  }

  #beginAnew(): void {
    this.#tables?.close();
    this.#tables = undefined;
    this.#options.onSetAside(setAside(this.#options.path));
  }
}
