import { TestClock } from "../lib/test-clock.ts";
import type { HistoryStore } from "../stores/history.ts";
import { openHistoryInMemory } from "../stores/open-history.ts";
import type { Answer } from "./answer.ts";
import { History } from "./history.ts";
import type { HistoryPage, HistoryQuery } from "./history-page.ts";

/** A watched state of "sales" that says nothing of interest but its version. */
export function stateOf(version: number | bigint, given: Partial<Answer> = {}): Answer {
  return {
    destinationId: "sales",
    accepted: true,
    verdict: "ACCEPTED",
    reason: "CRITERIA_MET",
    message: `State ${version}`,
    measured: Number(version),
    agents: { total: 2 },
    availableAgents: undefined,
    observedAt: 1,
    validUntil: 2,
    source: "CACHE",
    destinationRevision: 1n,
    version: BigInt(version),
    retryAt: undefined,
    ...given,
  };
}

/** What to ask for to get everything of "sales" on one page. */
export function everything(given: Partial<HistoryQuery> = {}): HistoryQuery {
  const unbounded = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
  return { destinationId: "sales", ...unbounded, size: 1000, after: undefined, ...given };
}

export function versionsOf(page: HistoryPage): number[] {
  return page.changes.map(({ version }) => Number(version));
}

/** A history over a store that a test can make fail. */
export function historyWorld(options: { clock?: TestClock; store?: HistoryStore } = {}) {
  const { clock = new TestClock(), store = openHistoryInMemory() } = options;
  const batches: { changes: number; counts: number }[] = [];
  const world = {
    clock,
    store,
    /** Thrown by each write while it is set. */
    failing: undefined as Error | undefined,
    /** Rows of each write that was tried. */
    batches,
    history: new History({
      clock,
      store: {
        read: (query) => store.read(query),
        prune: (now) => store.prune(now),
        close: () => store.close(),
        write: async (batch) => {
          batches.push({ changes: batch.changes.length, counts: batch.counts.length });
          if (world.failing) throw world.failing;
          await store.write(batch);
        },
      },
    }),
  };
  return world;
}
