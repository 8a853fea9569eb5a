import { resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { storeTrouble, storeUnavailable } from "./sqlite-errors.ts";
import { openDatabase } from "./sqlite-file.ts";
import {
  type Change,
  type Conflict,
  checkKey,
  checkPrefix,
  type DeleteOptions,
  type DeleteResult,
  type Entry,
  type PutOptions,
  type PutResult,
  type Revision,
  type Store,
  type StoreWatch,
} from "./store.ts";
import { Watchers } from "./watchers.ts";

/**
 * Opens the store in a SQLite file, making it (mode 0600) and its directory (0700) when missing; ":memory:" is a store
 * that ends with the process. The file belongs to this process alone until close(): a second one is refused, and so
 * are other programs, backups included. Throws UNAVAILABLE when the file is held, damaged, another program's or newer.
 */
export function openSqlite(file: string): Store {
  const path = file === ":memory:" ? file : resolve(file);
  try {
    return new SqliteStore(openDatabase(path), path);
  } catch (error) {
    throw storeTrouble("open", path, error);
  }
}

/** The store over one SQLite database. Each call does its work at once, so calls never interleave. */
class SqliteStore implements Store {
  readonly #database: DatabaseSync;
  readonly #path: string;
  readonly #watchers = new Watchers();
  readonly #statements;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
    this.#statements = {
      get: database.prepare("select key, value, revision from entries where key = ?"),
      list: database.prepare("select key, value, revision from entries where key >= ? and key < ? order by key"),
      put: database.prepare("insert or replace into entries (key, value, revision) values (?, ?, ?)"),
      delete: database.prepare("delete from entries where key = ?"),
      next: database.prepare("update counter set revision = revision + 1 returning revision"),
    };
  }

  async get(key: string): Promise<Entry | undefined> {
    checkKey(key);
    return this.#do("read", () => this.#get(key));
  }

  async put(key: string, value: Uint8Array, { expected }: PutOptions = {}): Promise<PutResult> {
    checkKey(key);
    const copy = Uint8Array.from(value);
    return this.#write(
      (): PutResult => {
        const conflict = this.#conflict(key, expected);
        if (conflict) return conflict;
        const revision = this.#nextRevision();
        this.#statements.put.run(key, copy, revision);
        return { ok: true, revision };
      },
      (result) => result.ok && { kind: "put", key, value: copy, revision: result.revision },
    );
  }

  async delete(key: string, { expected }: DeleteOptions = {}): Promise<DeleteResult> {
    checkKey(key);
    return this.#write(
      (): Conflict | { ok: true; revision?: Revision } => {
        const conflict = this.#conflict(key, expected);
        if (conflict) return conflict;
        if (this.#statements.delete.run(key).changes === 0) return { ok: true };
        return { ok: true, revision: this.#nextRevision() };
      },
      (result) => result.ok && result.revision !== undefined && { kind: "delete", key, revision: result.revision },
    );
  }

  async list(prefix: string): Promise<Entry[]> {
    checkPrefix(prefix);
    return this.#do("read", () => this.#list(prefix));
  }

  watch(prefix: string, listener: (change: Change) => void): StoreWatch {
    checkPrefix(prefix);
    try {
      // Nothing can be written between this read and the subscription: both are done in this turn.
      return this.#watchers.add(
        prefix,
        listener,
        this.#do("read", () => this.#list(prefix)),
      );
    } catch (error) {
      const ready = Promise.reject(error);
      ready.catch(() => {});
      return { ready, stop: () => {} };
    }
  }

  async close(): Promise<void> {
    if (!this.#database.isOpen) return;
    this.#watchers.close(storeUnavailable("watch", this.#path, "it was closed"));
    this.#database.close();
  }

  #get(key: string): Entry | undefined {
    return this.#statements.get.get(key) as Entry | undefined;
  }

  #list(prefix: string): Entry[] {
    // "0" follows "/", and "~" every character of a key.
    const end = prefix === "" ? "~" : `${prefix.slice(0, -1)}0`;
    return this.#statements.list.all(prefix, end) as unknown as Entry[];
  }

  #conflict(key: string, expected: PutOptions["expected"]): Conflict | undefined {
    if (expected === undefined) return undefined;
    const current = this.#get(key)?.revision ?? "absent";
    return current === expected ? undefined : { ok: false, current };
  }

  #nextRevision(): Revision {
    return (this.#statements.next.get() as { revision: Revision }).revision;
  }

  /** Does `work` in a transaction of its own and, once that is on the disk, tells the watchers what it changed. */
  #write<T>(work: () => T, change: (result: T) => Change | false): T {
    const result = this.#do("write", () => {
      this.#database.exec("begin immediate");
      try {
        const done = work();
        this.#database.exec("commit");
        return done;
      } finally {
        if (this.#database.isTransaction) this.#database.exec("rollback");
      }
    });
    const changed = change(result);
    if (changed) this.#watchers.tell(changed);
    return result;
  }

  #do<T>(action: "read" | "write", work: () => T): T {
    if (!this.#database.isOpen) throw storeUnavailable(action, this.#path, "it is closed");
    try {
      return work();
    } catch (error) {
      throw storeTrouble(action, this.#path, error);
    }
  }
}
