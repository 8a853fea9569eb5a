import { resolve } from "node:path";
import { historySetAside } from "../telemetry/events.ts";
import type { HistoryLimits, HistoryStore } from "./history.ts";
import { SqliteHistory } from "./history-sqlite.ts";
import { HistoryThread } from "./history-thread.ts";
import { parseStoreUrl } from "./open.ts";

/**
 * The history that belongs to the store at an address (see parseStoreUrl): a file of its own beside the store's, or
 * memory where the store is. It never throws: a file that cannot be opened is the trouble of the first call.
 */
export function openHistory(storeUrl: string): HistoryStore {
  const location = parseStoreUrl(storeUrl);
  if ("reason" in location || location.kind === "memory") return openHistoryInMemory();
  const path = historyFileOf(location.path);
  return new HistoryThread({ path, onSetAside: (aside) => historySetAside({ path, aside }) });
}

/** The history's file: that of "data/availability.db" is "data/availability-history.db", as an absolute path. */
export function historyFileOf(storePath: string): string {
  return resolve(`${storePath.replace(/\.db$/, "")}-history.db`);
}

/** A history that ends with the process. Its calls are done at once, each in the turn in which it was made. */
export function openHistoryInMemory(limits?: HistoryLimits): HistoryStore {
  const history = new SqliteHistory({ path: ":memory:", onSetAside: () => {}, ...(limits && { limits }) });
  return {
    write: async (batch) => history.write(batch),
    read: async (query) => history.read(query),
    prune: async (now) => history.prune(now),
    close: async () => history.close(),
  };
}
