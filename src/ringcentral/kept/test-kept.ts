import { type PresenceDocument, parseDocument } from "../../acceptance/document.ts";
import type { TestClock } from "../../lib/test-clock.ts";
import { openSqlite } from "../../stores/sqlite.ts";
import type { Store } from "../../stores/store.ts";
import type { Coverage } from "../push/coverage.ts";
import type { PushFilter } from "../push/push-event.ts";
import { filterKey } from "../push/push-filters.ts";
import { observedAt } from "../tables/compose.ts";
import { Tables } from "../tables/tables.ts";
import { loadKeptPresence } from "./presence-store.ts";

/** A queue's answer: who is in it and opted in. */
export function queueAnswer(members: Readonly<Record<string, boolean>>): PresenceDocument {
  const records = Object.entries(members).map(([id, optIn]) => ({
    member: { id, name: `Agent ${id}` },
    acceptQueueCalls: true,
    acceptCurrentQueueCalls: optIn,
  }));
  const parsed = parseDocument(JSON.stringify({ records }));
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.document;
}

/** One life of a process over a store: the tables of one account, restored and kept. */
export async function keptLife(given: { store: Store; clock: TestClock; connection?: string; accountId?: string }) {
  const { store, clock, connection = "con-1", accountId = "~" } = given;
  const kept = await loadKeptPresence({ store, clock });
  const saver = kept.of(connection);
  const coverages = new Map<string, Coverage>();
  const coverageOf = (filter: PushFilter) => coverages.get(filterKey(filter));
  const tables = new Tables({ clock, accountId, coverageOf });
  saver.keep(accountId, tables);
  return { kept, saver, tables, coverages };
}

/** All that tables say of queues: documents, and how old each part is. */
export function said(tables: Tables, queueIds: readonly string[]): unknown {
  return queueIds.map((queueId) => [
    tables.outdated(queueId),
    ...(["QUEUE", "QUEUE_AND_EXTENSION"] as const).map((detail) => {
      const composed = tables.compose(queueId, detail);
      if (!composed) return undefined;
      const { document, observed } = composed;
      const parts = ["answer", "optIn", "doNotDisturb", "extension"] as const;
      return { raw: document.raw, json: document.json, ages: parts.map((part) => observedAt(observed, [part]).at) };
    }),
  ]);
}

/** A store that counts what is written, and fails when it is told to. */
export function countingStore(store: Store = openSqlite(":memory:")) {
  const writes: string[] = [];
  const control = { failing: false };
  const write = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    if (control.failing) throw new Error("Cannot write store: disk full");
    writes.push(name);
    return await act();
  };
  const counting: Store = {
    get: (key) => store.get(key),
    put: (key, value, options) => write(`put ${key}`, () => store.put(key, value, options)),
    delete: (key, options) => write(`delete ${key}`, () => store.delete(key, options)),
    list: (prefix) => store.list(prefix),
    watch: (prefix, listener) => store.watch(prefix, listener),
    close: () => store.close(),
  };
  return { store: counting, writes, control };
}
