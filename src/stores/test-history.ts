import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { ChangeRow, CountRow, HistoryQuery } from "./history.ts";

/** The path of a history in a directory of its own, which goes when the test ends. */
export function historyPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "history-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return join(directory, "data", "x-history.db");
}

export function changeRow(version: number, given: Partial<ChangeRow> = {}): ChangeRow {
  return { destinationId: "sales", version: BigInt(version), time: version, answer: `"${version}"`, ...given };
}

export function countRow(minute: number, given: Partial<CountRow> = {}): CountRow {
  return { destinationId: "sales", minute, reason: "CRITERIA_MET", count: 1, accepted: 1, ...given };
}

/** Everything of a destination. */
export function everything(given: Partial<HistoryQuery> = {}): HistoryQuery {
  return {
    destinationId: "sales",
    startMs: Number.NEGATIVE_INFINITY,
    endMs: Number.POSITIVE_INFINITY,
    after: undefined,
    size: 100_000,
    minutes: undefined,
    ...given,
  };
}
