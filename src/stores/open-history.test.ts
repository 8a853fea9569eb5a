import { existsSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { historyFileOf, openHistory } from "./open-history.ts";
import { changeRow, everything, historyPath } from "./test-history.ts";

test.each([
  ["/data/availability.db", "/data/availability-history.db"],
  ["/data/availability", "/data/availability-history.db"],
  ["/data/history.db", "/data/history-history.db"],
])("historyFileOf() is beside the store's file, of its name: %s", (store, history) => {
  expect(historyFileOf(store)).toBe(history);
});

test("openHistory() keeps a file beside the store's file", async () => {
  const path = historyPath();
  const store = `sqlite:${path.replace("-history", "")}`;
  const history = openHistory(store);
  await history.write({ changes: [changeRow(1)], counts: [] });
  await history.close();
  expect(existsSync(path)).toBe(true);
  const again = openHistory(store);
  onTestFinished(() => again.close());
  expect((await again.read(everything())).changes).toEqual([changeRow(1)]);
});

test("openHistory() ends with the process for a store in memory", async () => {
  const history = openHistory(":memory:");
  await history.write({ changes: [changeRow(1)], counts: [] });
  expect((await history.read(everything())).changes).toEqual([changeRow(1)]);
  expect(await history.prune(0)).toBe(false);
  await history.close();
  await expect(history.read(everything())).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
