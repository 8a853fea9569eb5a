import fc from "fast-check";
import { expect, test } from "vitest";
import { settle, TestClock } from "../lib/test-clock.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { decodeOverride, encodeOverride } from "./override-record.ts";
import { Overrides } from "./overrides.ts";

/** A store across a network: when a write is done, when its writer learns that, and when watchers do is all chance. */
function distant(store: Store, network: fc.Scheduler): Store {
  const travel = async <T>(write: () => Promise<T>): Promise<T> => {
    await network.schedule(Promise.resolve(), "request");
    return network.schedule(write(), "answer");
  };
  return {
    get: (key) => store.get(key),
    list: (prefix) => store.list(prefix),
    close: () => store.close(),
    put: (key, value, options) => travel(() => store.put(key, value, options)),
    delete: (key, options) => travel(() => store.delete(key, options)),
    watch(prefix, listener) {
      let last: Promise<unknown> = Promise.resolve();
      return store.watch(prefix, (change) => {
        last = Promise.all([last, network.schedule(Promise.resolve(), "change")]).then(() => listener(change));
      });
    },
  };
}

const deed = fc.record({
  kind: fc.constantFrom("set" as const, "set" as const, "clear" as const, "forget" as const),
  replica: fc.constantFrom(0, 1),
  /** How much the network gets done before the next deed. */
  steps: fc.integer({ min: 0, max: 6 }),
});

test("Overrides ends with what the store holds, on every replica, whatever overtakes what", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(deed, { minLength: 1, maxLength: 6 }), async (network, deeds) => {
      const store = openSqlite(":memory:");
      const clock = new TestClock();
      const replicas = [0, 1].map(() => new Overrides({ store: distant(store, network), clock }));
      const given = { accepted: true, expiresAt: clock.now() + 1000, setBy: "" };
      const first = { ...given, note: "first", setAt: clock.now() };
      await store.put("overrides/a", encodeOverride(first));
      for (const replica of replicas) await replica.load();
      await network.waitIdle();
      const done: Promise<unknown>[] = [];
      for (const [index, { kind, replica, steps }] of deeds.entries()) {
        const overrides = replicas[replica]!;
        if (kind === "set") done.push(overrides.set(["a"], { ...given, note: String(index) }));
        else done.push(kind === "clear" ? overrides.clear(["a"]) : overrides.forget("a"));
        for (let step = 0; step < steps && network.count() > 0; step++) await network.waitNext(1);
      }
      await network.waitFor(Promise.all(done));
      for (let turn = 0; turn < 3; turn++) {
        await network.waitIdle();
        await settle();
      }
      const entry = await store.get("overrides/a");
      const stored = entry && decodeOverride(entry.value);
      expect(replicas.map((replica) => replica.get("a"))).toEqual([stored, stored]);
      for (const replica of replicas) replica.close();
    }),
    { numRuns: 400 },
  );
});
