import { closeSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makePrivateDirectory, syncDirectory } from "./files.ts";
import { storeUnavailable } from "./sqlite-errors.ts";

/** Version of the tables below; a file of a newer one is refused, since this program cannot know what it means. */
export const SCHEMA_VERSION = 1;
/** Marks the file as this program's ("Avlb"), so that no other database is taken for a store. */
export const APPLICATION_ID = 0x41766c62;
// Long enough for a predecessor that is just closing the file; opening holds up the process meanwhile.
const BUSY_TIMEOUT_MS = 2000;

/** Opens or makes a store's database at an absolute path or ":memory:", checked and ready for use. */
export function openDatabase(path: string): DatabaseSync {
  if (path !== ":memory:") {
    makePrivateDirectory(dirname(path));
    createPrivateFile(path);
  }
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // Before the first read: from then on no other process can open the file, so two services never share it, and the
    // lock goes when this process does, however it ends.
    database.exec("pragma locking_mode = exclusive");
    const { journal_mode: mode } = database.prepare("pragma journal_mode = wal").get() as { journal_mode: string };
    if (path !== ":memory:" && mode !== "wal") {
      throw storeUnavailable("open", path, `its file system allows no write-ahead log (journal mode is "${mode}")`);
    }
    // FULL: a commit waits until the log is on the disk. fullfsync: on macOS that needs a stronger call than fsync.
    database.exec("pragma synchronous = full; pragma fullfsync = on");
    prepareSchema(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

// Only ever made, never opened, when it exists: closing a second descriptor would drop the locks SQLite holds on it.
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
    syncDirectory(dirname(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const application = pragma(database, "application_id");
  const version = pragma(database, "user_version");
  const { tables } = database.prepare("select count(*) tables from sqlite_schema").get() as { tables: number };
  if (application === 0 && version === 0 && tables === 0) {
    // In one transaction: a file is either empty or whole, wherever the power goes.
    database.exec(`
      begin exclusive;
      create table entries (key text primary key, revision integer not null, value blob not null) strict;
      create table counter (revision integer not null) strict;
      insert into counter values (0);
      pragma application_id = ${APPLICATION_ID};
      pragma user_version = ${SCHEMA_VERSION};
      commit`);
    return;
  }
  if (application !== APPLICATION_ID) throw storeUnavailable("open", path, "it is another program's database");
  if (version > SCHEMA_VERSION) {
    const state = `a newer version of this service wrote it (schema ${version}, this one knows ${SCHEMA_VERSION})`;
    throw storeUnavailable("open", path, state);
  }
  const { quick_check: found } = database.prepare("pragma quick_check(1)").get() as { quick_check: string };
  if (found !== "ok") throw storeUnavailable("open", path, `the file is damaged (${found})`);
}

function pragma(database: DatabaseSync, name: string): number {
  return Object.values(database.prepare(`pragma ${name}`).get() ?? {})[0] as number;
}
