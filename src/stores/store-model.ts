import fc from "fast-check";
import { expect } from "vitest";
import type { Change, Store } from "./store.ts";

/** One place where stores of one kind keep their data, made anew for each test. */
export interface StoreUnderTest {
  /** Opens a store on that place; called again only after the one before was closed. */
  open(): Promise<Store>;
  /** Removes the place. */
  remove(): Promise<void>;
}

/** What a store must look like: its entries, the highest revision seen, and every revision that a key ever had. */
interface Model {
  readonly entries: Map<string, { value: Uint8Array; revision: number }>;
  newest: number;
}

/** The store itself, replaced when it is opened again, and what a watch on it has made of the changes. */
interface Real {
  store: Store;
  mirror: Map<string, Change>;
}

type Command = fc.AsyncCommand<Model, Real>;
type Expectation = "any" | "absent" | "current" | "stale" | "future";

const key = fc.constantFrom("a", "b", "a/b", "a/c", "ab/c");
const expectation = fc.constantFrom<Expectation>("any", "any", "absent", "current", "stale", "future");

/** Does random calls on a store and on a Map, and compares every result, every list and what a watch was told. */
export async function checkAgainstModel(make: () => Promise<StoreUnderTest>, keeps: boolean): Promise<void> {
  let place: StoreUnderTest;
  const reopen: Command = {
    check: () => true,
    async run(_, real) {
      await real.store.close();
      Object.assign(real, await start(place));
    },
    toString: () => "reopen",
  };
  const commands = [
    fc.tuple(key, fc.uint8Array({ maxLength: 8 }), expectation).map((args) => putCommand(...args)),
    fc.tuple(key, expectation).map((args) => deleteCommand(...args)),
    fc.constantFrom("", "a/", "ab/", "c/").map(listCommand),
    ...(keeps ? [fc.constant(reopen)] : []),
  ];
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { size: "+1" }), async (sequence) => {
      place = await make();
      const real = await start(place);
      const model: Model = { entries: new Map(), newest: 0 };
      try {
        await fc.asyncModelRun(() => ({ model, real }), sequence);
        const marker = await real.store.put("marker", new Uint8Array());
        while (!real.mirror.has("marker")) await new Promise((resolve) => setImmediate(resolve));
        expect(marker.ok).toBe(true);
        const told = [...real.mirror.values()].filter((change) => change.kind === "put" && change.key !== "marker");
        const there = [...model.entries].map(([at, entry]) => ({ kind: "put", key: at, ...entry }));
        expect(told.toSorted(byKey)).toEqual(there.toSorted(byKey));
      } finally {
        await real.store.close();
        await place.remove();
      }
    }),
    { numRuns: 60 },
  );
}

async function start(place: StoreUnderTest): Promise<Real> {
  const store = await place.open();
  const mirror = new Map<string, Change>();
  await store.watch("", (change) => mirror.set(change.key, change)).ready;
  return { store, mirror };
}

function putCommand(at: string, value: Uint8Array, how: Expectation): Command {
  return {
    check: () => true,
    async run(model, { store }) {
      const expected = expectedBy(model, at, how);
      const current = model.entries.get(at)?.revision ?? "absent";
      const result = await store.put(at, value, { expected });
      if (expected !== undefined && expected !== current) return expect(result).toEqual({ ok: false, current });
      if (!result.ok) throw new Error(`it is at ${result.current}`);
      expect(result.revision).toBeGreaterThan(model.newest);
      model.newest = result.revision;
      model.entries.set(at, { value, revision: result.revision });
      expect(await store.get(at)).toEqual({ key: at, value, revision: result.revision });
    },
    toString: () => `put(${at}, [${value.join()}], ${how})`,
  };
}

function deleteCommand(at: string, how: Expectation): Command {
  return {
    check: () => how !== "absent",
    async run(model, { store }) {
      const expected = expectedBy(model, at, how) as number | undefined;
      const current = model.entries.get(at)?.revision ?? "absent";
      const result = await store.delete(at, { expected });
      if (expected !== undefined && expected !== current) return expect(result).toEqual({ ok: false, current });
      expect(result).toMatchObject({ ok: true });
      model.entries.delete(at);
      expect(await store.get(at)).toBeUndefined();
    },
    toString: () => `delete(${at}, ${how})`,
  };
}

function listCommand(prefix: string): Command {
  return {
    check: () => true,
    async run(model, { store }) {
      const expected = [...model.entries].filter(([at]) => at.startsWith(prefix)).map(([at, e]) => ({ key: at, ...e }));
      expect(await store.list(prefix)).toEqual(expected.toSorted(byKey));
    },
    toString: () => `list(${prefix})`,
  };
}

function expectedBy(model: Model, at: string, how: Expectation): number | "absent" | undefined {
  const current = model.entries.get(at)?.revision;
  const chosen = {
    any: undefined,
    absent: "absent" as const,
    current,
    stale: (current ?? 2) - 1,
    future: model.newest + 1,
  };
  return chosen[how];
}

function byKey(a: { key: string }, b: { key: string }): number {
  return a.key < b.key ? -1 : 1;
}
