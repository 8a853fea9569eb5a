import { describe, expect, test } from "vitest";
import type { Change, Store } from "./store.ts";

/** Runs what Store promises about watches, each test on the store that is open then; part of testStore(). */
export function testWatch(store: () => Store): void {
  describe("watch()", () => {
    test("tells what is there, then every change, in the order of revisions", async () => {
      await put(store(), "d/b", "1");
      await put(store(), "d/a", "2");
      await put(store(), "other/a", "3");
      const { changes, watch } = collect(store(), "d/");
      expect(changes).toEqual([]);
      await watch.ready;
      expect(spell(changes)).toEqual(["d/b=1", "d/a=2"]);

      await put(store(), "d/c", "4");
      await put(store(), "d", "5");
      await put(store(), "d/b", "6");
      await store().delete("d/a");
      await store().delete("d/none");
      await heard(changes, 5);
      expect(spell(changes)).toEqual(["d/b=1", "d/a=2", "d/c=4", "d/b=6", "d/a gone"]);
      const revisions = changes.map((change) => change.revision);
      expect(revisions).toEqual(revisions.toSorted((x, y) => x - y));
      expect(changes[3]).toEqual({ kind: "put", ...(await store().get("d/b")) });
      watch.stop();
    });

    test("is ready when there is nothing", async () => {
      const { changes, watch } = collect(store(), "d/");
      await expect(watch.ready).resolves.toBeUndefined();
      expect(changes).toEqual([]);
    });

    test("loses nothing that is written while it starts", async () => {
      for (let round = 0; round < 20; round++) {
        const before = store().put(`d/before-${round}`, bytes("1"));
        const { changes, watch } = collect(store(), "d/");
        const after = store().put(`d/after-${round}`, bytes("1"));
        await Promise.all([before, after, watch.ready]);
        await heard(changes, 2 * (round + 1));
        const keys = changes.map((change) => change.key);
        expect(keys.toSorted()).toEqual((await store().list("d/")).map((entry) => entry.key));
        watch.stop();
      }
    });

    test("tells nothing to one who stopped, and still the others", async () => {
      const stopped = collect(store(), "");
      const early = collect(store(), "");
      early.watch.stop();
      await early.watch.ready;
      const other = collect(store(), "");
      await stopped.watch.ready;
      const writing = store().put("a", bytes("1"));
      stopped.watch.stop();
      await writing;
      await heard(other.changes, 1);
      expect([stopped.changes, early.changes, spell(other.changes)]).toEqual([[], [], ["a=1"]]);
      stopped.watch.stop();
    });

    test("a listener may write, and stop its own watch", async () => {
      const changes: Change[] = [];
      const watch = store().watch("", (change) => {
        changes.push(change);
        if (change.key === "a") void store().put("b", bytes("2"));
        if (change.key === "c") watch.stop();
      });
      await watch.ready;
      await put(store(), "a", "1");
      await heard(changes, 2);
      await Promise.all([store().put("c", bytes("3")), store().put("d", bytes("4"))]);
      const other = collect(store(), "");
      await other.watch.ready;
      expect(spell(changes)).toEqual(["a=1", "b=2", "c=3"]);
    });
  });
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function put(store: Store, key: string, text: string, expected?: number | "absent"): Promise<number> {
  const result = await store.put(key, bytes(text), { expected });
  if (!result.ok) throw new Error(`the store has ${key} at ${result.current}`);
  return result.revision;
}

export function collect(store: Store, prefix: string) {
  const changes: Change[] = [];
  return { changes, watch: store.watch(prefix, (change) => changes.push(change)) };
}

/** Waits until a listener has heard that many changes; the test's own time limit ends it. */
export async function heard(changes: readonly unknown[], count: number): Promise<void> {
  while (changes.length < count) await new Promise((resolve) => setImmediate(resolve));
}

function spell(changes: readonly Change[]): string[] {
  return changes.map((change) =>
    change.kind === "put" ? `${change.key}=${Buffer.from(change.value).toString()}` : `${change.key} gone`,
  );
}
