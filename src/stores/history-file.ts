import { closeSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { makePrivateDirectory } from "./files.ts";
import { storeUnavailable } from "./sqlite-errors.ts";

const SCHEMA_VERSION = 1;
/** Marks the file as this program's history ("Avlh"). */
const APPLICATION_ID = 0x41766c68;
// For a predecessor that is just closing the file; a later call tries again.
const BUSY_TIMEOUT_MS = 500;
// Primary result codes SQLITE_CORRUPT and SQLITE_NOTADB, https://sqlite.org/rescode.html.
const DAMAGED: readonly number[] = [11, 26];

// Names are stored once and numbered: there are thousands of rows a minute, and most name the same few hundred.
// Counts lie by minute, not by destination, so that a minute's thousands are written side by side.
const SCHEMA = `
  create table names (id integer primary key, name text not null unique) strict;
  create table changes (seq integer primary key, destination integer not null, version integer not null,
    time real not null, answer text) strict;
  create index changes_of_destination on changes (destination, version, time);
  create table checks (minute integer not null, destination integer not null, reason integer not null,
    count integer not null, accepted integer not null, primary key (minute, destination, reason)) strict, without rowid;`;

/**
 * Opens or makes the history at an absolute path (mode 0600, its directory 0700) or ":memory:". Its commits do not wait
 * for the disk: a power cut may take the last ones, it leaves no half ones.
 */
export function openHistoryFile(path: string): DatabaseSync {
  if (path !== ":memory:") {
    makePrivateDirectory(dirname(path));
    createPrivateFile(path);
  }
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec("pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal");
    prepareSchema(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whether SQLite found the file damaged: then it is of no use any more, whatever is done with it. */
export function isDamage(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" && DAMAGED.includes(errcode & 0xff);
}

/** Moves a damaged file out of the way, in place of an earlier one; answers where it is now. */
export function setAside(path: string): string {
  const aside = `${path}.damaged`;
  rmSync(`${aside}-wal`, { force: true });
  renameSync(path, aside);
  try {
    renameSync(`${path}-wal`, `${aside}-wal`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return aside;
}

// Only ever made, never opened, when it exists: closing a second descriptor would drop the locks SQLite holds on it.
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function prepareSchema(database: DatabaseSync, path: string): void {
  const { application_id: application } = database.prepare("pragma application_id").get() as Record<string, number>;
  const { user_version: version = 0 } = database.prepare("pragma user_version").get() as Record<string, number>;
  const { tables } = database.prepare("select count(*) tables from sqlite_schema").get() as { tables: number };
  if (application === 0 && version === 0 && tables === 0) {
    database.exec(`begin exclusive; ${SCHEMA}
      pragma application_id = ${APPLICATION_ID}; pragma user_version = ${SCHEMA_VERSION}; commit`);
    return;
  }
  if (application !== APPLICATION_ID) throw storeUnavailable("open", path, "it is another program's database");
  if (version > SCHEMA_VERSION) {
    const state = `a newer version of this service wrote it (schema ${version}, this one knows ${SCHEMA_VERSION})`;
    throw storeUnavailable("open", path, state);
  }
}
