import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { openSqlite } from "../../stores/sqlite.ts";
import { log } from "../../telemetry/log.ts";
import { extensionPart } from "./kept-record.ts";
import { loadKeptPresence } from "./presence-store.ts";
import { countingStore, keptLife, queueAnswer, said } from "./test-kept.ts";

const HOUR_MS = 3_600_000;
const presence = (extensionId: string, presenceStatus = "Available") => ({ extensionId, presence: { presenceStatus } });

/** A life with one queue of two members, read now and written. */
async function readLife(given: { connection?: string; accountId?: string } = {}) {
  const clock = new TestClock();
  const counted = countingStore();
  const life = await keptLife({ store: counted.store, clock, ...given });
  life.tables.queueRead("7", queueAnswer({ 1: true, 2: false }), clock.now());
  life.tables.extensionsRead([presence("1"), presence("2")], clock.now());
  await clock.advance(5_000);
  const written = counted.writes.splice(0);
  return { clock, ...counted, ...life, written };
}

const key = (part: string) => `presence/con-1/self/${part}`;
const put = (part: string) => `put ${key(part)}`;

describe("writing", () => {
  test("writes a burst once, each part once, every 5 s at most, and nothing that did not change", async () => {
    const { clock, tables, written, writes } = await readLife();
    expect(written.toSorted()).toEqual([put(extensionPart("1")), put(extensionPart("2")), put("queue/7")].toSorted());
    await clock.advance(60_000);
    expect(writes).toEqual([]);
    for (let n = 0; n < 40; n++) {
      tables.extensionChanged("1", { telephonyStatus: n % 2 ? "Ringing" : "NoCall" });
      await clock.advance(500);
    }
    expect(writes).toEqual([5, 10, 15, 20].map(() => put(extensionPart("1"))));
  });

  test("says when all of it was written, where the state of push is kept too", async () => {
    const { clock, saver, tables, coverages, writes } = await readLife();
    coverages.set("queue:7", { since: clock.now() - 5_000, aliveAt: clock.now(), live: true });
    tables.compose("7", "QUEUE");
    tables.optIn("7", [{ extensionId: "1", acceptCurrentQueueCalls: false }]);
    expect(await saver.flush()).toBe(true);
    expect(writes.splice(0)).toEqual([put("queue/7"), put("push/ends")]);
    expect(await saver.flush()).toBe(true);
    expect(writes).toEqual([]);
    coverages.set("queue:7", { since: clock.now() - 5_000, aliveAt: clock.now() + 1, live: true });
    await saver.flush();
    expect(writes).toEqual([put("push/ends")]);
  });

  test("writes all that is new at close, and nothing afterwards", async () => {
    const { clock, saver, tables, writes } = await readLife();
    tables.extensionChanged("1", { telephonyStatus: "Ringing" });
    await saver.close();
    expect(writes).toEqual([put(extensionPart("1"))]);
    tables.extensionChanged("1", { telephonyStatus: "NoCall" });
    await clock.advance(10_000);
    expect([writes.length, clock.pending]).toEqual([1, 0]);
  });

  test("goes on and tries again when the store fails, and says so once", async () => {
    const error = vi.spyOn(log, "error").mockReturnValue();
    const { clock, saver, store, tables, control, writes } = await readLife();
    control.failing = true;
    tables.extensionChanged("1", { telephonyStatus: "Ringing" });
    await clock.advance(20_000);
    expect(await saver.flush()).toBe(false);
    expect(error).toHaveBeenCalledTimes(1);
    control.failing = false;
    await clock.advance(5_000);
    expect(writes).toContain(put(extensionPart("1")));
    const { tables: after } = await keptLife({ store, clock });
    expect(said(after, ["7"])).toEqual(said(tables, ["7"]));
    error.mockRestore();
  });

  test("removes what nobody asks about any more", async () => {
    const { clock, store, tables } = await readLife();
    tables.forget("7");
    await clock.advance(5_000);
    expect(await store.list("")).toEqual([]);
  });

  test("keeps nothing of an account when a part of it is too large for the store, and no push", async () => {
    const { clock, saver, store, tables } = await readLife();
    await saver.flush();
    await store.put("push/con-1", Buffer.from("older"));
    const huge = Object.fromEntries(Array.from({ length: 15_000 }, (_, n) => [`${n}`, true]));
    tables.queueRead("7", queueAnswer(huge), clock.now());
    expect(await saver.flush()).toBe(false);
    expect(await store.list("")).toEqual([]);
  });
});

describe("restoring", () => {
  test.each([
    ["presence/con-1/self/queue/7", "con-1", "~"],
    ["presence/named/main/0a1b2c3d/12345/queue/7", "named/main/0a1b2c3d", "12345"],
  ])("gives back what was kept under %s", async (expected, connection, accountId) => {
    const { clock, store, tables } = await readLife({ connection, accountId });
    expect((await store.list("")).map((entry) => entry.key)).toContain(expected);
    const after = await keptLife({ store, clock, connection, accountId });
    expect(said(after.tables, ["7"])).toEqual(said(tables, ["7"]));
    expect((await keptLife({ store, clock, connection: "other", accountId })).tables.extensionCount).toBe(0);
  });

  test("gives it back over a restart, from a file, with the ages it had", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kept-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const path = join(directory, "store.db");
    const clock = new TestClock();
    const store = openSqlite(path);
    const { saver, tables } = await keptLife({ store, clock });
    tables.queueRead("7", queueAnswer({ 1: true }), clock.now() - 250);
    tables.extensionsRead([presence("1")], clock.now() - 125);
    await clock.advance(400);
    tables.optIn("7", [{ extensionId: "1", acceptCurrentQueueCalls: false }]);
    const before = said(tables, ["7"]);
    await saver.close();
    await store.close();
    await clock.advance(60_000);

    const reopened = openSqlite(path);
    expect(said((await keptLife({ store: reopened, clock })).tables, ["7"])).toEqual(before);
    await reopened.close();
  });

  test("leaves out what is older than an hour, and removes it", async () => {
    const { clock, store, tables } = await readLife();
    await clock.advance(HOUR_MS - 6_000);
    tables.extensionsRead([presence("1")], clock.now());
    await clock.advance(5_000);
    tables.queueRead("8", queueAnswer({ 1: true }), clock.now());
    await clock.advance(6_000);
    const after = await keptLife({ store, clock });
    expect(said(after.tables, ["7"])).toEqual([[false, undefined, undefined]]);
    expect(said(after.tables, ["8"])).toEqual(said(tables, ["8"]));
    await clock.advance(5_000);
    expect((await store.list("")).map((entry) => entry.key)).toEqual([key(extensionPart("1")), key("queue/8")]);
  });

  test("takes what push kept current for as new as push kept it", async () => {
    const { clock, store, tables, saver, coverages } = await readLife();
    await clock.advance(2 * HOUR_MS);
    coverages.set("queue:7", { since: clock.now() - 3 * HOUR_MS, aliveAt: clock.now(), live: true });
    tables.compose("7", "QUEUE");
    await saver.flush();
    const after = await keptLife({ store, clock });
    expect(after.tables.compose("7", "QUEUE")?.observed.optIn).toEqual({ at: clock.now(), coverages: [] });
  });

  test("believes nothing that is of a time to come", async () => {
    const { store } = await readLife();
    const earlier = new TestClock(new TestClock().now() - 1_000);
    const { tables, saver } = await keptLife({ store, clock: earlier });
    expect(tables.extensionCount).toBe(0);
    expect(saver.safe).toBe(false);
    await earlier.advance(5_000);
    expect(await store.list("")).toEqual([]);
  });

  test("believes reads alone, and no push, when a round was cut short anywhere", async () => {
    const round = async (cutAfter: number) => {
      const { clock, store, control, writes, saver, tables, coverages } = await readLife();
      coverages.set("queue:7", { since: clock.now() - 6_000, aliveAt: clock.now(), live: true });
      tables.compose("7", "QUEUE");
      await saver.flush();
      await store.put("push/con-1", Buffer.from("from before"));
      writes.length = 0;
      await clock.advance(1_000);
      tables.optIn("7", [{ extensionId: "1", acceptCurrentQueueCalls: false }]);
      tables.extensionChanged("1", { telephonyStatus: "Ringing" });
      coverages.set("queue:7", { since: clock.now() - 6_000, aliveAt: clock.now(), live: true });
      // What writes after that is another process: this one was killed.
      const { put } = store;
      store.put = async (...given) => {
        control.failing = writes.length >= cutAfter;
        return await put(...given);
      };
      const error = vi.spyOn(log, "error").mockReturnValue();
      const saved = await saver.flush();
      error.mockRestore();
      store.put = put;
      control.failing = false;
      const after = await keptLife({ store, clock });
      const optIn = after.tables.compose("7", "QUEUE")!.observed.optIn.at;
      const { safe } = after.saver;
      await after.saver.flush();
      return { saved, safe, age: clock.now() - optIn, resumable: (await store.get("push/con-1")) !== undefined };
    };
    expect(await round(0)).toEqual({ saved: false, safe: true, age: 1_000, resumable: true });
    for (const cutAfter of [1, 2]) {
      expect(await round(cutAfter)).toEqual({ saved: false, safe: false, age: 6_000, resumable: false });
    }
    expect(await round(3)).toEqual({ saved: true, safe: true, age: 0, resumable: true });
  });

  test.each(["nonsense", '{"format":2}', '{"format":1,"rows":[["1",{"readAt":1}]]}'])(
    "does without a part that is %s",
    async (damaged) => {
      const warn = vi.spyOn(log, "warn").mockReturnValue();
      const { clock, store } = await readLife();
      await store.put(key(extensionPart("1")), Buffer.from(damaged));
      const { tables, saver } = await keptLife({ store, clock });
      expect([saver.safe, tables.extensionCount]).toEqual([false, 1]);
      expect(tables.compose("7", "QUEUE")).toBeDefined();
      expect(warn).toHaveBeenCalledTimes(1);
      warn.mockRestore();
    },
  );

  test("starts with nothing when the store cannot be read", async () => {
    const error = vi.spyOn(log, "error").mockReturnValue();
    const list = () => Promise.reject(new Error("disk full"));
    const { store, clock } = await readLife();
    const kept = await loadKeptPresence({ store: { ...store, list }, clock });
    expect(kept.of("con-1").safe).toBe(true);
    expect(error).toHaveBeenCalledTimes(1);
    error.mockRestore();
  });

  test("removes what was kept of connections and accounts that nobody asks over", async () => {
    const { clock, store } = await readLife();
    await readInto(store, clock, "con-2", "~");
    await readInto(store, clock, "con-1", "5");
    const { kept, saver } = await keptLife({ store, clock });
    await kept.removeUnused();
    await saver.flush();
    const left = (await store.list("")).map((entry) => entry.key.split("/").slice(0, 3).join("/"));
    expect(new Set(left)).toEqual(new Set(["presence/con-1/self"]));
  });

  test.each(["~", "5"])(
    "keeps nothing of tables that came before, when a connection opens again for %s",
    async (id) => {
      const { clock, store, saver, kept } = await readLife();
      await saver.close();
      expect(kept.of("con-1")).toBe(saver);
      const { tables } = await keptLife({ store: openSqlite(":memory:"), clock });
      saver.keep(id, tables);
      expect(said(tables, ["7"])).toEqual([[false, undefined, undefined]]);
      tables.queueRead("9", queueAnswer({ 1: true }), clock.now());
      await clock.advance(5_000);
      const account = id === "~" ? "self" : id;
      expect((await store.list("")).map((entry) => entry.key)).toEqual([`presence/con-1/${account}/queue/9`]);
    },
  );
});

async function readInto(
  store: ReturnType<typeof countingStore>["store"],
  clock: TestClock,
  connection: string,
  accountId: string,
) {
  const { tables, saver } = await keptLife({ store, clock, connection, accountId });
  tables.queueRead("7", queueAnswer({ 1: true }), clock.now());
  await saver.close();
}
