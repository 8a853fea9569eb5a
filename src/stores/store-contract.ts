import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Store } from "./store.ts";
import { checkAgainstModel, type StoreUnderTest } from "./store-model.ts";
import { bytes, collect, heard, put, testWatch } from "./store-watch-contract.ts";

/**
 * Runs everything that Store promises against one kind of store. `keeps` says whether it keeps its data when it is
 * closed, which every store but that in memory does.
 */
export function testStore(name: string, make: () => Promise<StoreUnderTest>, { keeps }: { keeps: boolean }): void {
  describe(name, () => {
    let place: StoreUnderTest;
    let store: Store;
    beforeEach(async () => {
      place = await make();
      store = await place.open();
    });
    afterEach(async () => {
      await store.close();
      await place.remove();
    });

    describe("get(), put() and delete()", () => {
      test("get() gives what put() took, with its revision", async () => {
        const written = await put(store, "destinations/sales", "one");
        expect(await store.get("destinations/sales")).toEqual({
          key: "destinations/sales",
          value: bytes("one"),
          revision: written,
        });
        expect(await store.get("destinations/other")).toBeUndefined();
      });

      test("every byte, the empty value and 1 MiB come back as they were", async () => {
        const all = Uint8Array.from({ length: 256 }, (_, index) => index);
        const large = Uint8Array.from({ length: 2 ** 20 }, (_, index) => (index * 7919) >> 3);
        for (const [key, value] of Object.entries({ all, large, empty: new Uint8Array(), text: bytes("\0ü𝄞") })) {
          await store.put(key, value);
          expect(Buffer.compare((await store.get(key))!.value, value)).toBe(0);
        }
      });

      test("put() keeps what the bytes were at the call", async () => {
        const value = bytes("one");
        const seen = collect(store, "");
        const writing = store.put("a", value);
        value.fill(0);
        await writing;
        await seen.watch.ready;
        await heard(seen.changes, 1);
        expect((await store.get("a"))?.value).toEqual(bytes("one"));
        expect(seen.changes).toMatchObject([{ value: bytes("one") }]);
      });

      test("revisions rise over all keys, deletes and equal values included", async () => {
        const revisions = [await put(store, "a", "1"), await put(store, "b", "1"), await put(store, "a", "1")];
        await store.delete("a");
        revisions.push(await put(store, "a", "1"));
        expect(revisions).toEqual(revisions.toSorted((x, y) => x - y));
        expect(new Set(revisions).size).toBe(4);
        expect(revisions[3]! - revisions[2]!).toBeGreaterThan(1);
        expect(revisions.every((revision) => Number.isSafeInteger(revision) && revision > 0)).toBe(true);
      });

      test("put() writes only when the key is as expected", async () => {
        expect(await store.put("a", bytes("x"), { expected: 7 })).toEqual({ ok: false, current: "absent" });
        const first = await put(store, "a", "1", "absent");
        expect(await store.put("a", bytes("x"), { expected: "absent" })).toEqual({ ok: false, current: first });
        const second = await put(store, "a", "2", first);
        expect(await store.put("a", bytes("x"), { expected: first })).toEqual({ ok: false, current: second });
        expect(await store.get("a")).toEqual({ key: "a", value: bytes("2"), revision: second });
      });

      test("delete() removes only when the key is as expected", async () => {
        const first = await put(store, "a", "1");
        const second = await put(store, "a", "2");
        expect(await store.delete("a", { expected: first })).toEqual({ ok: false, current: second });
        expect(await store.get("a")).toBeDefined();
        expect(await store.delete("a", { expected: second })).toMatchObject({ ok: true });
        expect(await store.get("a")).toBeUndefined();
        expect(await store.delete("a", { expected: second })).toEqual({ ok: false, current: "absent" });
        expect(await store.delete("a")).toMatchObject({ ok: true });
        expect(await store.put("a", bytes("3"), { expected: second })).toEqual({ ok: false, current: "absent" });
        await put(store, "a", "3", "absent");
      });

      test("of many writes at once that expect the same exactly one wins", async () => {
        let expected: number | "absent" = "absent";
        for (let round = 0; round < 20; round++) {
          const writers = Array.from({ length: 20 }, (_, writer) => bytes(`${round}/${writer}`));
          const results = await Promise.all(writers.map((value) => store.put("a", value, { expected })));
          const won = results.flatMap((result, writer) => (result.ok ? [{ ...result, writer }] : []));
          expect(won).toHaveLength(1);
          const entry = await store.get("a");
          expect(entry).toMatchObject({ value: writers[won[0]!.writer], revision: won[0]!.revision });
          expected = entry!.revision;
        }
      });

      test("twenty who count by compare-and-set lose no step", async () => {
        const count = async () => {
          for (;;) {
            const entry = await store.get("count");
            const next = Number(Buffer.from(entry?.value ?? bytes("0")).toString()) + 1;
            const result = await store.put("count", bytes(String(next)), { expected: entry?.revision ?? "absent" });
            if (result.ok) return;
          }
        };
        await Promise.all(Array.from({ length: 20 }, count));
        expect((await store.get("count"))?.value).toEqual(bytes("20"));
      });

      test("keys of a wrong form are refused by every call", async () => {
        for (const key of ["", "/a", "a/", "a//b", "a.b", "a b", "ä", "a*", "a>", "a\n", "a".repeat(257)]) {
          await expect(store.get(key)).rejects.toThrow(RangeError);
          await expect(store.put(key, bytes("1"))).rejects.toThrow(RangeError);
          await expect(store.delete(key)).rejects.toThrow(RangeError);
        }
        await put(store, `${"a".repeat(127)}/${"Z".repeat(128)}`, "1");
      });
    });

    describe("list()", () => {
      test("gives what is under the prefix, in the order of keys", async () => {
        const keys = ["d/b", "d/a", "d/Z", "d/a-b", "d/a_b", "d/a/x", "d/9", "d/a0", "da/x", "c/x", "d", "e", "d-/x"];
        for (const key of keys) await put(store, key, key);
        const under = ["d/9", "d/Z", "d/a", "d/a-b", "d/a/x", "d/a0", "d/a_b", "d/b"];
        const listed = await store.list("d/");
        expect(listed.map((entry) => entry.key)).toEqual(under);
        expect(listed.map((entry) => Buffer.from(entry.value).toString())).toEqual(under);
        expect((await store.list("d/a/")).map((entry) => entry.key)).toEqual(["d/a/x"]);
        expect((await store.list("")).map((entry) => entry.key)).toEqual(keys.toSorted());
        expect(await store.list("none/")).toEqual([]);
      });

      test("gives 10,000 entries", async () => {
        const keys = Array.from({ length: 10_000 }, (_, index) => `many/${String(index).padStart(5, "0")}`);
        for (const key of keys) await store.put(key, bytes(key));
        expect((await store.list("many/")).map((entry) => entry.key)).toEqual(keys);
      }, 120_000);

      test("refuses a prefix that is not whole names", async () => {
        for (const prefix of ["d", "/", "d//", "d/a", "d*/", "ü/"]) {
          await expect(store.list(prefix)).rejects.toThrow(RangeError);
          expect(() => store.watch(prefix, () => {})).toThrow(RangeError);
        }
      });
    });

    testWatch(() => store);

    describe("close()", () => {
      test("makes every later call reject with UNAVAILABLE and ends watches", async () => {
        const ready = collect(store, "");
        await ready.watch.ready;
        const starting = collect(store, "");
        await store.close();
        await store.close();
        const unavailable = expect.objectContaining({ code: "UNAVAILABLE" });
        await expect(starting.watch.ready).rejects.toThrow(unavailable);
        await expect(store.get("a")).rejects.toThrow(unavailable);
        await expect(store.put("a", bytes("1"))).rejects.toThrow(unavailable);
        await expect(store.delete("a")).rejects.toThrow(unavailable);
        await expect(store.list("")).rejects.toThrow(unavailable);
        const late = collect(store, "");
        await expect(late.watch.ready).rejects.toThrow(unavailable);
        late.watch.stop();
        ready.watch.stop();
        expect([ready.changes, starting.changes, late.changes]).toEqual([[], [], []]);
      });
    });

    test("any sequence of calls gives what a Map gives", async () => {
      await expect(checkAgainstModel(make, keeps)).resolves.toBeUndefined();
    }, 60_000);
  });
}

/** Runs what is promised besides by a store that keeps its data when it is closed; beside testStore(). */
export function testReopening(name: string, make: () => Promise<StoreUnderTest>): void {
  test(`${name} has everything when it is opened again, and goes on counting revisions`, async () => {
    const place = await make();
    onTestFinished(() => place.remove());
    const before = await place.open();
    await put(before, "a", "1");
    const second = await put(before, "b/c", "2");
    await before.delete("a");
    await before.close();

    const after = await place.open();
    expect(await after.list("")).toEqual([{ key: "b/c", value: bytes("2"), revision: second }]);
    expect(await put(after, "a", "3", "absent")).toBeGreaterThan(second + 1);
    expect(await after.put("b/c", bytes("4"), { expected: second })).toMatchObject({ ok: true });
    await after.close();
  });
}
