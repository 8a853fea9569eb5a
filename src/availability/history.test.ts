import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { TestClock } from "../lib/test-clock.ts";
import { openHistory } from "../stores/open-history.ts";
import { historyDropped, historyRecovered, historyTrouble } from "../telemetry/events.ts";
import { everything, historyWorld, stateOf, versionsOf } from "./test-history.ts";

vi.mock("../telemetry/events.ts", () => ({
  historyDropped: vi.fn<typeof historyDropped>(),
  historyRecovered: vi.fn<typeof historyRecovered>(),
  historyTrouble: vi.fn<typeof historyTrouble>(),
}));
beforeEach(() => void vi.clearAllMocks());

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const T = Date.UTC(2026, 0, 5, 10, 41);
const met = { destinationId: "sales", reason: "CRITERIA_MET", accepted: true } as const;
const late = { destinationId: "sales", reason: "NOT_IN_TIME", accepted: false } as const;

describe("list()", () => {
  test("says what was in force at the start, then what changed before the end", async () => {
    const { history, clock } = historyWorld();
    for (const [version, time] of [
      [1, T],
      [2, T + 10],
      [3, T + 20],
      [4, T + 30],
    ] as const) {
      history.changed(stateOf(version), time);
    }
    history.changed(stateOf(9, { destinationId: "support" }), T);
    const asked = [everything({ startMs: T + 15, endMs: T + 30 }), everything({ startMs: T + 21, endMs: T + 21 })];
    for (const wait of [0, 2000]) {
      await clock.advance(wait);
      expect(versionsOf(await history.list(asked[0]!))).toEqual([2, 3]);
      expect(versionsOf(await history.list(asked[1]!))).toEqual([3]);
      expect(versionsOf(await history.list(everything()))).toEqual([1, 2, 3, 4]);
    }
  });

  test("gives each answer as it was, written or not", async () => {
    const { history, clock } = historyWorld();
    const state = stateOf(2n ** 60n, { retryAt: 7, agents: undefined, measured: undefined });
    history.changed(state, T);
    expect((await history.list(everything())).changes).toStrictEqual([state]);
    await clock.advance(2000);
    expect((await history.list(everything())).changes).toStrictEqual([state]);
  });

  test("gives pages of the size asked for, counts on the first alone", async () => {
    const { history } = historyWorld({ clock: new TestClock(T) });
    for (let version = 1; version <= 5; version++) history.changed(stateOf(version), T + version);
    history.checked(met);
    const query = everything({ startMs: T + 2, size: 2 });
    const first = await history.list(query);
    const second = await history.list({ ...query, after: first.next });
    const third = await history.list({ ...query, after: second.next });
    expect([first, second, third].map(versionsOf)).toEqual([[1, 2], [3, 4], [5]]);
    expect([first, second, third].map(({ counts }) => counts.length)).toEqual([1, 0, 0]);
    expect(third.next).toBeUndefined();
  });

  test("says that nothing was in force when the destination had been removed", async () => {
    const { history, clock } = historyWorld();
    history.changed(stateOf(1), T);
    history.removed("sales", 2n, T + 10);
    for (const wait of [0, 2000]) {
      await clock.advance(wait);
      expect(versionsOf(await history.list(everything({ startMs: T + 11 })))).toEqual([]);
      expect(versionsOf(await history.list(everything({ startMs: T + 5 })))).toEqual([1]);
    }
    history.changed(stateOf(3), T + 20);
    history.changed(stateOf(4), T + 20);
    expect(versionsOf(await history.list(everything({ startMs: T + 11, size: 1 })))).toEqual([3]);
  });

  test("knows the state in force when its change is too old to be kept", async () => {
    const { history, clock } = historyWorld({ clock: new TestClock(T) });
    history.changed(stateOf(1), T);
    await clock.advance(8 * DAY);
    history.changed(stateOf(2, { destinationId: "support" }), clock.now());
    await clock.advance(2000);
    expect(versionsOf(await history.list(everything({ startMs: clock.now() - MINUTE })))).toEqual([1]);
    history.removed("sales", 3n, clock.now());
    await clock.advance(8 * DAY);
    history.changed(stateOf(4, { destinationId: "support" }), clock.now());
    await clock.advance(2000);
    expect(versionsOf(await history.list(everything()))).toEqual([]);
  });

  test("gives the checks of the minutes that the range touches, the present one too, written or not", async () => {
    const { history, clock } = historyWorld({ clock: new TestClock(T) });
    history.checked(met);
    history.checked({ ...met, destinationId: "support" });
    await clock.advance(MINUTE);
    history.checked(late);
    const second = { destinationId: "sales", minute: T + MINUTE, reason: "NOT_IN_TIME", count: 1, accepted: 0 };
    const first = { destinationId: "sales", minute: T, reason: "CRITERIA_MET", count: 1, accepted: 1 };
    for (const wait of [0, 2000, MINUTE, 2000]) {
      await clock.advance(wait);
      const counts = async (given = {}) => (await history.list(everything(given))).counts;
      expect(await counts()).toEqual([first, second]);
      expect(await counts({ startMs: T + 59_999, endMs: T + MINUTE })).toEqual([first]);
      expect(await counts({ startMs: T + MINUTE, endMs: T + MINUTE + 1 })).toEqual([second]);
      expect(await counts({ startMs: T + 5, endMs: T + 5 })).toEqual([first]);
      expect(await counts({ startMs: T + DAY, endMs: T + 2 * DAY })).toEqual([]);
    }
  });

  test("gives the checks of the range's last day when it is longer", async () => {
    const { history, clock } = historyWorld({ clock: new TestClock(T) });
    history.checked(met);
    await clock.advance(DAY - MINUTE);
    expect((await history.list(everything())).counts).toHaveLength(1);
    await clock.advance(MINUTE);
    expect((await history.list(everything())).counts).toHaveLength(0);
    expect((await history.list(everything({ endMs: T + MINUTE }))).counts).toHaveLength(1);
  });

  test("adds checks of one minute that were written in parts", async () => {
    const { history, clock, store } = historyWorld({ clock: new TestClock(T) });
    const part = { destinationId: "sales", minute: T, reason: "CRITERIA_MET", count: 5, accepted: 4 } as const;
    await store.write({ changes: [], counts: [part] });
    history.checked(met);
    expect((await history.list(everything())).counts).toEqual([{ ...part, count: 6, accepted: 5 }]);
    await clock.advance(2 * MINUTE);
    expect((await history.list(everything())).counts).toEqual([{ ...part, count: 6, accepted: 5 }]);
  });

  test("rejects with UNAVAILABLE while the history cannot be read", async () => {
    const { store } = historyWorld();
    const trouble = new ServiceError("UNAVAILABLE", "Cannot read store: no");
    const { history } = historyWorld({ store: { ...store, read: () => Promise.reject(trouble) } });
    await expect(history.list(everything())).rejects.toBe(trouble);
  });

  test("never counts twice or misses what is being written while it reads", async () => {
    const { history, clock, store } = historyWorld({ clock: new TestClock(T) });
    const { promise, resolve } = Promise.withResolvers<void>();
    const { write } = store;
    const slow = historyWorld({
      clock,
      store: { ...store, write: (batch) => promise.then(() => write(batch)) },
    }).history;
    slow.checked(met);
    await clock.advance(MINUTE);
    slow.changed(stateOf(1), clock.now());
    slow.changed(stateOf(2), clock.now());
    await clock.advance(1000);
    const listing = slow.list(everything());
    resolve();
    const page = await listing;
    expect([versionsOf(page), page.counts.map(({ count }) => count)]).toEqual([[1, 2], [1]]);
    await Promise.all([history.close(), slow.close()]);
  });
});

describe("writing", () => {
  test("waits a second for more, then writes it together, and leaves no timer when there is nothing", async () => {
    const { history, clock, batches } = historyWorld();
    history.changed(stateOf(1), T);
    await clock.advance(999);
    history.changed(stateOf(2), T);
    expect(batches).toEqual([]);
    await clock.advance(1);
    expect(batches).toEqual([{ changes: 2, counts: 0 }]);
    expect(clock.pending).toBe(0);
  });

  test("writes a large minute in parts, with pauses", async () => {
    const { history, clock, batches } = historyWorld({ clock: new TestClock(T) });
    for (let n = 0; n < 1200; n++) history.checked({ ...met, destinationId: `d${n}` });
    await clock.advance(MINUTE + 1000);
    expect(batches).toEqual([{ changes: 0, counts: 500 }]);
    await clock.advance(1000);
    expect(batches.map(({ counts }) => counts)).toEqual([500, 500, 200]);
    expect(clock.pending).toBe(0);
  });

  test("tries again when it failed, loses nothing, and logs the trouble once and its end", async () => {
    const world = historyWorld({ clock: new TestClock(T) });
    const { history, clock, batches } = world;
    world.failing = new Error("Cannot write store: the disk is full");
    history.changed(stateOf(1), T);
    history.checked(met);
    await clock.advance(MINUTE + 20_000);
    history.changed(stateOf(2), clock.now());
    expect(batches.length).toBeGreaterThan(3);
    expect(vi.mocked(historyTrouble).mock.calls).toEqual([[{ action: "write", message: world.failing.message }]]);
    world.failing = new Error("Cannot write store: the disk reports an error");
    await clock.advance(20_000);
    expect(historyTrouble).toHaveBeenCalledTimes(2);
    world.failing = undefined;
    await clock.advance(10_000);
    expect(historyRecovered).toHaveBeenCalledTimes(1);
    expect(historyDropped).not.toHaveBeenCalled();
    const page = await history.list(everything());
    expect([versionsOf(page), page.counts.map(({ count }) => count)]).toEqual([[1, 2], [1]]);
  });

  test("drops the oldest changes and counts them when too many wait", async () => {
    const world = historyWorld();
    world.failing = new Error("no");
    for (let version = 1; version <= 50_001; version++) world.history.changed(stateOf(version), T);
    expect(vi.mocked(historyDropped).mock.calls).toEqual([[{ changes: 5000, counts: 0 }]]);
    expect(versionsOf(await world.history.list(everything({ size: 1 })))).toEqual([5001]);
  });

  test("goes on forgetting what is old until nothing is left to forget", async () => {
    const { history, clock, store } = historyWorld({ clock: new TestClock(T) });
    const changes = Array.from({ length: 1100 }, (_, n) => ({
      destinationId: "old",
      version: BigInt(n),
      time: T - 8 * DAY,
      answer: undefined,
    }));
    await store.write({ changes, counts: [] });
    history.changed(stateOf(1), T);
    await clock.advance(2000);
    const old = { ...everything({ destinationId: "old", startMs: T }), minutes: undefined };
    expect((await store.read(old)).before).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test("is no trouble of the caller's when pruning fails", async () => {
    const { store, clock } = historyWorld();
    const prune = () => Promise.reject(new Error("Cannot prune store: no"));
    const { history } = historyWorld({ clock, store: { ...store, prune } });
    history.changed(stateOf(1), T);
    await clock.advance(1000);
    expect(historyTrouble).toHaveBeenCalledWith({ action: "prune", message: "Cannot prune store: no" });
    expect(versionsOf(await history.list(everything()))).toEqual([1]);
  });
});

describe("close()", () => {
  test("writes what is not written, so that a restart knows it", async () => {
    const directory = mkdtempSync(join(tmpdir(), "history-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const url = `sqlite:${join(directory, "x.db")}`;
    const clock = new TestClock(T + 10_000);
    const first = historyWorld({ clock, store: openHistory(url) }).history;
    for (let version = 1; version <= 1200; version++) first.changed(stateOf(version), T + version);
    first.checked(met);
    await first.close();
    await first.close();
    first.changed(stateOf(5000), T);
    first.checked(met);
    expect(clock.pending).toBe(0);

    const second = historyWorld({ clock, store: openHistory(url) }).history;
    second.checked(met);
    second.changed(stateOf(1201), clock.now());
    const { changes, counts } = await second.list(everything({ startMs: T + 1200 }));
    expect(changes).toStrictEqual([stateOf(1199), stateOf(1200), stateOf(1201)]);
    expect(counts).toMatchObject([{ minute: T, count: 2 }]);
    await second.close();
  });

  test("drops what cannot be written, and counts it", async () => {
    const world = historyWorld();
    world.failing = new Error("Cannot write store: the disk is full");
    world.history.changed(stateOf(1), T);
    world.history.checked(met);
    world.history.checked(late);
    await world.history.close();
    expect(vi.mocked(historyDropped).mock.calls).toEqual([[{ changes: 1, counts: 2 }]]);
    await expect(world.history.list(everything())).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(world.clock.pending).toBe(0);
  });
});
