import { ServiceError } from "../lib/errors.ts";

// Primary result codes, https://sqlite.org/rescode.html; an extended one has its primary code in the low byte.
const STATES: Readonly<Record<number, string>> = {
  5: "another process holds it",
  6: "another process holds it",
  8: "it is read-only",
  10: "the disk reports an error",
  11: "the file is damaged",
  13: "the disk is full",
  14: "the file cannot be opened",
  26: "the file is damaged or is no SQLite database",
};

/** The store at `path` cannot do `action` (open, read, write); `state` says why. */
export function storeUnavailable(action: string, path: string, state: string, cause?: unknown): ServiceError {
  return new ServiceError("UNAVAILABLE", `Cannot ${action} store ${JSON.stringify(path)}: ${state}`, { cause });
}

/** Turns what node:sqlite or the file system threw into the trouble it stands for; anything else is returned as it is. */
export function storeTrouble(action: string, path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, errcode, syscall } = error as Error & { code?: string; errcode?: number; syscall?: string };
  if (code === "ERR_SQLITE_ERROR" && errcode !== undefined) {
    return storeUnavailable(action, path, STATES[errcode & 0xff] ?? `SQLite says ${error.message}`, error);
  }
  return syscall === undefined ? error : storeUnavailable(action, path, error.message, error);
}
