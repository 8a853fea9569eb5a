import { readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { HISTORY_LIMITS } from "./history.ts";
import { openHistoryFile } from "./history-file.ts";
import { SqliteHistory } from "./history-sqlite.ts";
import { changeRow, countRow, everything, historyPath } from "./test-history.ts";

const MINUTE = 60_000;
let aside: string[];
beforeEach(() => {
  aside = [];
});

function opened(path = ":memory:", limits = HISTORY_LIMITS): SqliteHistory {
  const history = new SqliteHistory({ path, limits, onSetAside: (name) => aside.push(name) });
  onTestFinished(() => history.close());
  return history;
}

function versions(history: SqliteHistory, given = {}): number[] {
  return history.read(everything(given)).changes.map(({ version }) => Number(version));
}

describe("read()", () => {
  test("gives a destination's changes in the order of versions, whatever the size of a version", () => {
    const history = opened();
    const greatest = 2n ** 63n - 2n;
    const other = changeRow(4, { destinationId: "support" });
    const last = changeRow(0, { version: greatest, time: 7.25 });
    history.write({ changes: [changeRow(2), changeRow(3), other, last], counts: [] });
    expect(history.read(everything()).changes).toEqual([changeRow(2), changeRow(3), last]);
    expect(versions(history, { destinationId: "nobody" })).toEqual([]);
  });

  test("gives what begins within the range and comes after a version, no more than asked for", () => {
    const history = opened();
    history.write({ changes: [1, 2, 3, 4, 5].map((n) => changeRow(n)), counts: [] });
    expect(versions(history, { startMs: 2, endMs: 5 })).toEqual([2, 3, 4]);
    expect(versions(history, { startMs: 2, endMs: 5, after: 2n })).toEqual([3, 4]);
    expect(versions(history, { startMs: 2, size: 2 })).toEqual([2, 3]);
  });

  test("gives the last change before the range, a removal too, and none on later pages", () => {
    const history = opened();
    const removal = changeRow(2, { answer: undefined });
    history.write({ changes: [changeRow(1), removal, changeRow(3)], counts: [] });
    expect(history.read(everything({ startMs: 2 })).before).toEqual(changeRow(1));
    expect(history.read(everything({ startMs: 3 })).before).toEqual(removal);
    expect(history.read(everything({ startMs: 9 })).before).toEqual(changeRow(3));
    expect(history.read(everything({ startMs: 1 })).before).toBeUndefined();
    expect(history.read(everything({ startMs: 3, after: 1n })).before).toBeUndefined();
    expect(versions(history)).toEqual([1, 3]);
  });

  test("never gives as the change before one that came later under a clock that was set back", () => {
    const history = opened();
    history.write({ changes: [changeRow(1, { time: 100 }), changeRow(2, { time: 50 })], counts: [] });
    const rows = history.read(everything({ startMs: 80 }));
    expect([rows.before, rows.changes.length]).toEqual([undefined, 1]);
  });

  test("gives counts of the minutes asked for, summed over writes, by minute", () => {
    const history = opened();
    const refused = countRow(MINUTE, { reason: "NOT_IN_TIME", accepted: 0 });
    history.write({
      changes: [],
      counts: [countRow(2 * MINUTE), countRow(MINUTE, { count: 3, accepted: 2 }), refused],
    });
    history.write({ changes: [], counts: [countRow(MINUTE), countRow(0), countRow(MINUTE, { destinationId: "x" })] });
    const { counts } = history.read(everything({ minutes: { from: MINUTE, to: 3 * MINUTE } }));
    expect(counts).toHaveLength(3);
    expect(counts).toEqual(
      expect.arrayContaining([countRow(MINUTE, { count: 4, accepted: 3 }), refused, countRow(2 * MINUTE)]),
    );
    expect(counts.at(-1)?.minute).toBe(2 * MINUTE);
    expect(history.read(everything({ minutes: { from: MINUTE, to: MINUTE } })).counts).toEqual([]);
    expect(history.read(everything()).counts).toEqual([]);
  });
});

describe("prune()", () => {
  test("keeps the newest changes of each destination, a bounded part at a time", () => {
    const history = opened(":memory:", { ...HISTORY_LIMITS, changes: 10, chunk: 7 });
    history.write({ changes: Array.from({ length: 30 }, (_, n) => changeRow(n)), counts: [] });
    history.write({ changes: [changeRow(1, { destinationId: "support" })], counts: [] });
    const left = [];
    while (history.prune(100)) left.push(versions(history).length);
    expect(left).toEqual([23, 16]);
    expect(versions(history)).toEqual(Array.from({ length: 10 }, (_, n) => n + 20));
    expect(versions(history, { destinationId: "support" })).toEqual([1]);
  });

  test("looks at a destination again only after many changes, and never for ever", () => {
    const history = opened(":memory:", { ...HISTORY_LIMITS, changes: 10 });
    const destinations = Array.from({ length: 50 }, (_, n) => changeRow(1, { destinationId: `d${n}` }));
    history.write({ changes: [changeRow(0), ...destinations], counts: [] });
    expect([0, 1, 2].map(() => history.prune(0))).toEqual([true, true, false]);
    history.write({ changes: Array.from({ length: 400 }, (_, n) => changeRow(1 + n)), counts: [] });
    history.prune(500);
    expect(versions(history)).toHaveLength(401);
    history.write({ changes: Array.from({ length: 101 }, (_, n) => changeRow(401 + n)), counts: [] });
    history.prune(600);
    expect(versions(history)).toHaveLength(10);
  });

  test("goes on looking at a destination that changes often", () => {
    const history = opened(":memory:", { ...HISTORY_LIMITS, changes: 10 });
    for (let n = 0; n < 1300; n += 100) {
      history.write({ changes: Array.from({ length: 100 }, (_, m) => changeRow(n + m)), counts: [] });
      while (history.prune(2000));
      expect(versions(history).length).toBeLessThanOrEqual(10 + 501);
    }
  });

  test("forgets what is older than the limit, changes and counts", () => {
    const limits = { ...HISTORY_LIMITS, ageMs: 2 * MINUTE, chunk: 2 };
    const history = opened(":memory:", limits);
    const minutes = [0, 1, 2, 3, 4, 5].map((n) => n * MINUTE);
    history.write({ changes: minutes.map((n) => changeRow(n)), counts: minutes.map((n) => countRow(n)) });
    while (history.prune(5 * MINUTE));
    expect(versions(history)).toEqual([3, 4, 5].map((n) => n * MINUTE));
    const { counts } = history.read(everything({ minutes: { from: 0, to: 10 * MINUTE } }));
    expect(counts.map(({ minute }) => minute / MINUTE)).toEqual([3, 4, 5]);
  });

  test("forgets earlier while there are too many bytes, never what is younger than that limit", () => {
    const history = opened(":memory:", { ...HISTORY_LIMITS, bytes: 200_000, ageWhenLargeMs: 100, chunk: 20 });
    const changes = Array.from({ length: 1000 }, (_, n) => changeRow(n, { answer: "x".repeat(1000) }));
    history.write({ changes: changes.slice(0, 500), counts: [] });
    while (history.prune(500));
    const kept = versions(history).length;
    expect(kept).toBeGreaterThan(100);
    expect(kept).toBeLessThan(200);
    history.write({ changes: changes.slice(500), counts: [] });
    while (history.prune(550));
    expect(versions(history)[0]).toBe(450);
  });

  test("forgets what was written under a clock far ahead, which would be in the way", () => {
    const history = opened();
    const year = 365 * 24 * 60 * MINUTE;
    history.write({ changes: [changeRow(1, { time: year }), changeRow(2, { time: 2 })], counts: [] });
    history.prune(10);
    expect(versions(history)).toEqual([2]);
  });
});

describe("the file", () => {
  test("keeps everything over a restart, and counts of the same minute go on", () => {
    const path = historyPath();
    const first = opened(path);
    first.write({ changes: [changeRow(1)], counts: [countRow(0)] });
    first.close();
    const second = opened(path);
    second.write({ changes: [changeRow(2)], counts: [countRow(0)] });
    const rows = second.read(everything({ minutes: { from: 0, to: MINUTE } }));
    expect(rows.changes).toEqual([changeRow(1), changeRow(2)]);
    expect(rows.counts).toEqual([countRow(0, { count: 2, accepted: 2 })]);
  });

  test("does not make a commit wait for the disk", () => {
    const database = openHistoryFile(historyPath());
    onTestFinished(() => database.close());
    expect(database.prepare("pragma synchronous").get()).toEqual({ synchronous: 1 });
    expect(database.prepare("pragma journal_mode").get()).toEqual({ journal_mode: "wal" });
  });

  test("may be read by its owner alone", () => {
    const path = historyPath();
    opened(path).write({ changes: [changeRow(1)], counts: [] });
    const modes = [path, `${path}-wal`, join(path, "..")].map((name) => statSync(name).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o700]);
  });

  test("is set aside and begun anew when it is no database", () => {
    const path = historyPath();
    opened(path).close();
    const first = opened(path);
    first.write({ changes: [changeRow(1)], counts: [] });
    first.close();
    writeFileSync(path, "x".repeat(5000));
    const second = opened(path);
    expect(versions(second)).toEqual([]);
    second.write({ changes: [changeRow(2)], counts: [] });
    expect(versions(second)).toEqual([2]);
    expect(aside).toEqual([`${path}.damaged`]);
    expect(readFileSync(`${path}.damaged`, "utf8")).toBe("x".repeat(5000));
  });

  test("is set aside when a damaged page is found later, and the write that found it is done", () => {
    const path = historyPath();
    const first = opened(path);
    first.write({ changes: Array.from({ length: 400 }, (_, n) => changeRow(n)), counts: [] });
    first.close();
    const content = readFileSync(path);
    content.fill(0xee, 4096);
    writeFileSync(path, content);
    const second = opened(path);
    second.write({ changes: [changeRow(500)], counts: [] });
    expect(aside).toEqual([`${path}.damaged`]);
    expect(versions(second)).toEqual([500]);
  });

  test("takes the place of one that was set aside before", () => {
    const path = historyPath();
    for (const content of ["a", "b"]) {
      const history = opened(path);
      history.write({ changes: [], counts: [countRow(0)] });
      history.close();
      writeFileSync(path, content.repeat(5000));
      const next = opened(path);
      expect(versions(next)).toEqual([]);
      next.close();
    }
    expect(readFileSync(`${path}.damaged`, "utf8")).toBe("b".repeat(5000));
  });

  test("is opened by a later call when it could not be opened at first", () => {
    const path = historyPath();
    const holder = opened(path);
    holder.write({ changes: [changeRow(1)], counts: [] });
    const history = opened(path);
    expect(() => history.write({ changes: [changeRow(2)], counts: [] })).toThrow(
      expect.objectContaining({
        code: "UNAVAILABLE",
        message: `Cannot write store "${path}": another process holds it`,
      }),
    );
    holder.close();
    history.write({ changes: [changeRow(2)], counts: [] });
    expect(versions(history)).toEqual([1, 2]);
    expect(aside).toEqual([]);
  });

  test.each([
    ["pragma user_version = 2", "a newer version of this service wrote it (schema 2, this one knows 1)"],
    ["pragma application_id = 7", "it is another program's database"],
  ])("is left as it is after %s", (sql, state) => {
    const path = historyPath();
    const first = opened(path);
    first.write({ changes: [changeRow(1)], counts: [] });
    first.close();
    const database = new DatabaseSync(path);
    database.exec(sql);
    database.close();
    expect(() => versions(opened(path))).toThrow(state);
    expect(aside).toEqual([]);
  });

  test("keeps nothing of a write that fails in the middle, and numbers its names again", () => {
    const path = historyPath();
    opened(path).write({ changes: [changeRow(1)], counts: [] });
    const history = opened();
    history.write({ changes: [changeRow(1)], counts: [] });
    const tooLarge = changeRow(0, { destinationId: "new", version: 2n ** 63n });
    expect(() => history.write({ changes: [changeRow(2, { destinationId: "new" }), tooLarge], counts: [] })).toThrow();
    history.write({ changes: [changeRow(5, { destinationId: "other" })], counts: [] });
    history.write({ changes: [changeRow(6, { destinationId: "new" })], counts: [] });
    expect(versions(history, { destinationId: "new" })).toEqual([6]);
    expect(versions(history, { destinationId: "other" })).toEqual([5]);
  });

  test("takes a file that was made and not filled when the power went", () => {
    const path = historyPath();
    const first = opened(path);
    first.write({ changes: [changeRow(1)], counts: [] });
    first.close();
    truncateSync(path, 0);
    expect(versions(opened(path))).toEqual([]);
    expect(aside).toEqual([]);
  });

  test("is refused after close()", () => {
    const history = opened();
    history.close();
    expect(() => history.prune(0)).toThrow('Cannot prune store ":memory:": it is closed');
  });
});
