import fc from "fast-check";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { settle, TestClock } from "../lib/test-clock.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { log } from "../telemetry/log.ts";
import { decodeOverride, encodeOverride, overrideMessage } from "./override-record.ts";
import { Overrides } from "./overrides.ts";

const HOUR = 3_600_000;

async function start(over: { store?: Store; clock?: TestClock } = {}) {
  const clock = over.clock ?? new TestClock();
  const store = over.store ?? openSqlite(":memory:");
  const overrides = new Overrides({ store, clock });
  onTestFinished(() => overrides.close());
  const told: string[] = [];
  overrides.subscribe((id) => told.push(id));
  await overrides.load();
  const keys = async () => (await store.list("overrides/")).map(({ key }) => key);
  return { clock, store, overrides, told, keys };
}

const accept = (expiresAt: number) => ({ accepted: true, expiresAt, note: "fire drill", setBy: "ann" });
const reject = (expiresAt: number) => ({ ...accept(expiresAt), accepted: false });

/** A store whose writes under a key go wrong. */
function failing(key: string): Store {
  const store = openSqlite(":memory:");
  const broken = () => Promise.reject(new ServiceError("UNAVAILABLE", 'Cannot write store ":memory:": disk full'));
  return {
    get: (...args) => store.get(...args),
    list: (...args) => store.list(...args),
    watch: (...args) => store.watch(...args),
    close: () => store.close(),
    put: (at, ...rest) => (at === key ? broken() : store.put(at, ...rest)),
    delete: (at, ...rest) => (at === key ? broken() : store.delete(at, ...rest)),
  };
}

describe("set()", () => {
  test("puts an override in force on every destination, with when it was set", async () => {
    const { clock, overrides, told } = await start();
    const expiresAt = clock.now() + HOUR;
    await overrides.set(["a", "b"], accept(expiresAt));
    const expected = { accepted: true, expiresAt, note: "fire drill", setBy: "ann", setAt: clock.now() };
    expect([overrides.get("a"), overrides.get("b"), overrides.get("c")]).toEqual([expected, expected, undefined]);
    await settle();
    expect(told).toEqual(["a", "b"]);
  });

  test("replaces an override, and its end", async () => {
    const { clock, overrides, told } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    await overrides.set(["a"], reject(clock.now() + 3 * HOUR));
    await clock.advance(2 * HOUR);
    expect(overrides.get("a")?.accepted).toBe(false);
    expect(told).toEqual(["a", "a"]);
  });

  test("says how many are set when the store fails on the way, and keeps those", async () => {
    const { clock, overrides } = await start({ store: failing("overrides/c") });
    const setting = overrides.set(["a", "b", "c", "d"], accept(clock.now() + HOUR));
    await expect(setting).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message:
        'Cannot set override of destination "c": Cannot write store ":memory:": disk full; ' +
        "2 of 4 destinations were done, in the order of their ids",
      metadata: { destination_id: "c", done: "2" },
    });
    expect(["a", "b", "c", "d"].filter((id) => overrides.get(id))).toEqual(["a", "b"]);
  });

  test("lets others have their turn between writes", async () => {
    const { clock, overrides } = await start();
    let inForce = 0;
    setImmediate(() => {
      inForce = ["a", "b", "c"].filter((id) => overrides.get(id)).length;
    });
    await overrides.set(["a", "b", "c"], accept(clock.now() + HOUR));
    expect(inForce).toBe(1);
  });
});

describe("clear()", () => {
  test("ends overrides and answers whose they were", async () => {
    const { clock, overrides, told, keys } = await start();
    await overrides.set(["a", "c"], accept(clock.now() + HOUR));
    expect(await overrides.clear(["a", "b", "c"])).toEqual(["a", "c"]);
    expect([overrides.get("a"), overrides.get("c"), await keys()]).toEqual([undefined, undefined, []]);
    expect(told).toEqual(["a", "c", "a", "c"]);
    expect(await overrides.clear(["a", "b", "c"])).toEqual([]);
  });

  test("ends what another replica set in its place, too", async () => {
    const { clock, overrides, store, keys } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    // Written and not yet told: watchers hear of it after this turn.
    void store.put("overrides/a", encodeOverride({ ...reject(clock.now() + HOUR), setAt: clock.now() }));
    await overrides.clear(["a"]);
    await settle();
    expect([overrides.get("a"), await keys()]).toEqual([undefined, []]);
  });

  test("keeps an override in force when the store fails", async () => {
    const store = failing("overrides/never");
    const { clock, overrides } = await start({ store });
    await overrides.set(["a"], accept(clock.now() + HOUR));
    await store.close();
    await expect(overrides.clear(["a"])).rejects.toMatchObject({ code: "UNAVAILABLE" });
    expect(overrides.get("a")).toBeDefined();
  });
});

test("set() and clear() count as soon as they resolve, before the store tells anybody", async () => {
  const store = openSqlite(":memory:");
  const deaf: Store = Object.assign(Object.create(store), {
    put: store.put.bind(store),
    delete: store.delete.bind(store),
    watch: () => ({ ready: Promise.resolve(), stop: () => {} }),
  });
  const { clock, overrides } = await start({ store: deaf });
  await overrides.set(["a"], accept(clock.now() + HOUR));
  expect(overrides.get("a")).toBeDefined();
  await overrides.clear(["a"]);
  expect(overrides.get("a")).toBeUndefined();
});

describe("an override", () => {
  test("ends at its time to the millisecond, is told once, and leaves the store and no timer", async () => {
    const { clock, overrides, told, keys } = await start();
    await overrides.set(["b"], accept(clock.now() + 2 * HOUR));
    await overrides.set(["a"], accept(clock.now() + HOUR));
    expect(clock.pending).toBe(1);
    await clock.advance(HOUR - 1);
    expect(overrides.get("a")).toBeDefined();
    await clock.advance(1);
    expect([overrides.get("a"), overrides.get("b")?.accepted, told]).toEqual([undefined, true, ["b", "a", "a"]]);
    expect(await keys()).toEqual(["overrides/b"]);
    await clock.advance(HOUR);
    expect([overrides.get("b"), await keys(), clock.pending]).toEqual([undefined, [], 0]);
    expect(told).toEqual(["b", "a", "a", "b"]);
  });

  test("survives a restart until its time", async () => {
    const first = await start();
    const { store, clock } = first;
    await first.overrides.set(["a"], accept(clock.now() + HOUR));
    await first.overrides.set(["b"], reject(clock.now() + 3 * HOUR));
    first.overrides.close();
    await clock.advance(2 * HOUR);
    expect(await first.keys()).toEqual(["overrides/a", "overrides/b"]);
    const second = await start({ store, clock });
    expect([second.overrides.get("a"), second.overrides.get("b")?.accepted]).toEqual([undefined, false]);
    await clock.advance(0);
    expect(await second.keys()).toEqual(["overrides/b"]);
    await clock.advance(HOUR);
    expect([second.overrides.get("b"), await second.keys(), clock.pending]).toEqual([undefined, [], 0]);
  });

  test("is seen by every replica, and so is its end by hand", async () => {
    const one = await start();
    const two = await start(one);
    await one.overrides.set(["a"], accept(one.clock.now() + HOUR));
    await settle();
    expect([two.overrides.get("a")?.note, two.told]).toEqual(["fire drill", ["a"]]);
    await two.overrides.clear(["a"]);
    await settle();
    expect([one.overrides.get("a"), one.told, two.told]).toEqual([undefined, ["a", "a"], ["a", "a"]]);
  });

  test("that cannot be read counts as none, replaces what was there, and is said", async () => {
    const said = vi.spyOn(log, "error").mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());
    const { clock, overrides, store } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    for (const text of ['{"format":2,"accepted":true}', "{", '{"format":1,"accepted":"yes"}', "null"]) {
      await store.put("overrides/a", Buffer.from(text));
      await settle();
      expect(overrides.get("a")).toBeUndefined();
    }
    expect(said).toHaveBeenCalledTimes(4);
  });
});

describe("forget()", () => {
  test("ends an override for good and tells it", async () => {
    const { clock, overrides, told, keys } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    const done = overrides.forget("a");
    expect(overrides.get("a")).toBeUndefined();
    await done;
    expect([await keys(), told]).toEqual([[], ["a", "a"]]);
    await overrides.forget("never-set");
    await settle();
    expect(told).toEqual(["a", "a"]);
  });

  test("does not reject when the store fails, and says so", async () => {
    const said = vi.spyOn(log, "warn").mockImplementation(() => {});
    onTestFinished(() => said.mockRestore());
    const { clock, overrides, store } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    await store.close();
    await overrides.forget("a");
    expect([overrides.get("a"), said.mock.calls.length]).toEqual([undefined, 1]);
  });

  test("keeps what another replica set meanwhile", async () => {
    const { clock, overrides, store } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    // Written and not yet told: watchers hear of it after this turn.
    void store.put("overrides/a", encodeOverride({ ...reject(clock.now() + HOUR), setAt: clock.now() }));
    await overrides.forget("a");
    await settle();
    expect(overrides.get("a")?.accepted).toBe(false);
  });

  test("keeps what was set after it", async () => {
    const { clock, overrides, keys } = await start();
    await overrides.set(["a"], accept(clock.now() + HOUR));
    const forgetting = overrides.forget("a");
    await overrides.set(["a"], reject(clock.now() + HOUR));
    await forgetting;
    await settle();
    expect([overrides.get("a")?.accepted, await keys()]).toEqual([false, ["overrides/a"]]);
  });
});

test("close() leaves no timer, and tells nobody any more", async () => {
  const { clock, overrides, store, told } = await start();
  await overrides.set(["a"], accept(clock.now() + HOUR));
  overrides.close();
  expect(clock.pending).toBe(0);
  await store.put("overrides/b", encodeOverride({ ...accept(clock.now() + HOUR), setAt: clock.now() }));
  await settle();
  expect([told, clock.pending]).toEqual([["a"], 0]);
});

test("encodeOverride() and decodeOverride() keep everything, fractions of milliseconds too", () => {
  const override = { ...accept(1_767_614_400_000.25), setAt: 1_767_610_800_000.5 };
  expect(decodeOverride(encodeOverride(override))).toEqual(override);
  expect(overrideMessage(override)).toMatchObject({
    accepted: true,
    expiresAt: { seconds: 1_767_614_400n, nanos: 0 },
    note: "fire drill",
    setBy: "ann",
    setAt: { seconds: 1_767_610_800n, nanos: 0 },
  });
});

test("Overrides holds what was set last and is not over, whatever came in which order, restarts included", async () => {
  const id = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("set" as const),
      id,
      hours: fc.integer({ min: 1, max: 24 }),
      accepted: fc.boolean(),
    }),
    fc.record({ kind: fc.constantFrom("clear" as const, "forget" as const), id }),
    fc.record({ kind: fc.constant("wait" as const), hours: fc.integer({ min: 0, max: 12 }) }),
    fc.record({ kind: fc.constant("restart" as const) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const clock = new TestClock();
      const store = openSqlite(":memory:");
      const open = async () => {
        const overrides = new Overrides({ store, clock });
        await overrides.load();
        return overrides;
      };
      let overrides = await open();
      const model = new Map<string, { accepted: boolean; expiresAt: number }>();
      for (const step of steps) {
        if (step.kind === "set") {
          const expiresAt = clock.now() + step.hours * HOUR;
          await overrides.set([step.id], { accepted: step.accepted, expiresAt, note: "", setBy: "" });
          model.set(step.id, { accepted: step.accepted, expiresAt });
        } else if (step.kind === "wait") await clock.advance(step.hours * HOUR);
        else if (step.kind === "restart") {
          overrides.close();
          overrides = await open();
        } else {
          await (step.kind === "clear" ? overrides.clear([step.id]) : overrides.forget(step.id));
          model.delete(step.id);
        }
        for (const [id, { expiresAt }] of [...model]) if (expiresAt <= clock.now()) model.delete(id);
        for (const id of ["a", "b", "c"]) {
          const { accepted, expiresAt } = overrides.get(id) ?? {};
          expect({ accepted, expiresAt }).toEqual({ accepted: undefined, expiresAt: undefined, ...model.get(id) });
        }
      }
      await clock.advance(0);
      expect((await store.list("overrides/")).map(({ key }) => key.slice(10))).toEqual([...model.keys()].sort());
      overrides.close();
      expect(clock.pending).toBe(0);
    }),
    { numRuns: 60 },
  );
});
