import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { describe, expect, onTestFinished, test } from "vitest";
import type { ServiceError } from "../lib/errors.ts";
import type { OverrideRequest } from "./override-request.ts";
import { Overrides } from "./overrides.ts";
import { createClearOverride, createSetOverride } from "./set-override.ts";
import { newDestination, startDestinations } from "./test-destinations.ts";

const HOUR = 3_600_000;

async function start(ids: readonly string[] = ["sales", "support"]) {
  const destinations = await startDestinations();
  const { clock, store, registry } = destinations;
  for (const id of ids) await destinations.configure(newDestination({ id, labels: { team: id, site: "berlin" } }));
  const overrides = new Overrides({ store, clock });
  onTestFinished(() => overrides.close());
  await overrides.load();
  const deps = { registry, overrides, clock };
  const set = createSetOverride(deps);
  return {
    ...destinations,
    overrides,
    /** Accepts for an hour unless told otherwise. */
    set: (request: Partial<OverrideRequest>) =>
      set(
        {
          destinationIds: [],
          labelSelector: {},
          accepted: true,
          expiresAt: timestampFromMs(clock.now() + HOUR),
          note: "",
          ...request,
        },
        "ann",
      ),
    clear: createClearOverride(deps),
  };
}

/** Each violation of a refused call on one line. */
async function violationsOf(call: Promise<unknown>): Promise<string[]> {
  const error: ServiceError = await call.then(
    () => expect.fail("it was not refused"),
    (refused) => refused,
  );
  return error.violations.map((v) => `${v.field} ${v.reason}: ${v.description}`);
}

describe("createSetOverride()", () => {
  test("sets an override on the named destinations, each once, and answers them in order", async () => {
    const { set, overrides, clock } = await start();
    expect(await set({ destinationIds: ["support", "sales", "support"], accepted: false, note: "drill" })).toEqual([
      "sales",
      "support",
    ]);
    expect(overrides.get("sales")).toEqual({
      accepted: false,
      expiresAt: clock.now() + HOUR,
      note: "drill",
      setBy: "ann",
      setAt: clock.now(),
    });
  });

  test("changes neither a destination's record nor its revision", async () => {
    const { set, registry, store } = await start();
    const before = await store.list("destinations/");
    await set({ destinationIds: ["sales"] });
    expect(await store.list("destinations/")).toEqual(before);
    expect(registry.get("sales")?.revision).toBe(1n);
  });

  test("sets it on all destinations with the labels, on more than 500 too", async () => {
    const ids = Array.from({ length: 501 }, (_, i) => `d${String(i).padStart(3, "0")}`);
    const { set, overrides } = await start([...ids, "other"].reverse());
    expect(await set({ labelSelector: { team: "other", site: "berlin" } })).toEqual(["other"]);
    const all = await set({ labelSelector: { site: "berlin" } });
    expect(all).toEqual([...ids, "other"]);
    expect(all.every((id) => overrides.get(id)?.accepted)).toBe(true);
  });

  test("answers nothing when no destination has the labels", async () => {
    const { set, clear } = await start();
    expect(await set({ labelSelector: { site: "paris" } })).toEqual([]);
    expect(await clear({ destinationIds: [], labelSelector: { site: "paris" } })).toEqual([]);
  });

  test("names every unknown id, and sets nothing", async () => {
    const { set, overrides } = await start();
    const call = set({ destinationIds: ["sales", "ghost", "support", "phantom"] });
    await expect(call).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: 'Cannot set override of destinations "ghost", "phantom": they do not exist',
    });
    expect(await violationsOf(call)).toEqual([
      'destination_ids[1] NOT_FOUND: is "ghost", which does not exist, expected a destination\'s id',
      'destination_ids[3] NOT_FOUND: is "phantom", which does not exist, expected a destination\'s id',
    ]);
    expect(overrides.get("sales")).toBeUndefined();
    await expect(set({ destinationIds: ["ghost", "ghost"] })).rejects.toThrow(
      'Cannot set override of destination "ghost": it does not exist',
    );
  });

  test("names every violation at once, before it looks for ids", async () => {
    const { set } = await start();
    const call = set({
      destinationIds: ["a/b", "ghost"],
      expiresAt: undefined,
      note: "x\n",
      labelSelector: { a: "b" },
    });
    await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    expect((await violationsOf(call)).map((line) => line.split(":")[0])).toEqual([
      "label_selector CONFLICT",
      "destination_ids[0] INVALID_FORMAT",
      "expires_at REQUIRED",
      "note INVALID_FORMAT",
    ]);
  });

  const ids = ["sales"];
  const refused: readonly (readonly [string, (now: number) => Partial<OverrideRequest>, string])[] = [
    [
      "neither ids nor labels",
      () => ({}),
      "destination_ids REQUIRED: is empty like label_selector, expected one of the two",
    ],
    [
      "501 ids",
      () => ({ destinationIds: Array(501).fill("sales") }),
      "destination_ids TOO_MANY: has 501 ids, expected at most 500",
    ],
    [
      "an end that is now",
      (now) => ({ destinationIds: ids, expiresAt: timestampFromMs(now) }),
      "expires_at OUT_OF_RANGE: was 0 s ago, expected a time within the next 24 h",
    ],
    [
      "an end in more than 24 h",
      (now) => ({ destinationIds: ids, expiresAt: timestampFromMs(now + 24 * HOUR + 1) }),
      "expires_at OUT_OF_RANGE: is 86400.001 s ahead, expected a time within the next 24 h",
    ],
    [
      "an end in thousands of years",
      () => ({ destinationIds: ids, expiresAt: { ...timestampFromMs(0), seconds: 10n ** 12n } }),
      "expires_at OUT_OF_RANGE: is 998232385600 s ahead, expected a time within the next 24 h",
    ],
    [
      "an end with wrong nanos",
      (now) => ({ destinationIds: ids, expiresAt: { ...timestampFromMs(now + HOUR), nanos: -1 } }),
      "expires_at INVALID_FORMAT: has -1 nanos, expected 0 to 999999999",
    ],
    [
      "a note of 514 bytes",
      () => ({ destinationIds: ids, note: "é".repeat(257) }),
      "note TOO_LONG: is 514 bytes, expected at most 512",
    ],
  ];
  test.each(refused)("refuses %s", async (_, request, violation) => {
    const { set, clock, overrides } = await start();
    expect(await violationsOf(set(request(clock.now())))).toEqual([violation]);
    expect(overrides.get("sales")).toBeUndefined();
  });

  test("takes exactly 24 h, 500 ids and a note of 512 bytes", async () => {
    const { set, clock } = await start();
    const expiresAt = timestampFromMs(clock.now() + 24 * HOUR);
    const request = { destinationIds: Array(500).fill("sales"), expiresAt, note: "x".repeat(512) };
    expect(await set(request)).toEqual(["sales"]);
  });
});

describe("createClearOverride()", () => {
  test("ends overrides by ids or labels and answers which there were, in order", async () => {
    const { set, clear, overrides } = await start(["c", "b", "a"]);
    await set({ destinationIds: ["a", "c"] });
    expect(await clear({ destinationIds: ["c", "b", "a"], labelSelector: {} })).toEqual(["a", "c"]);
    await set({ destinationIds: ["a", "c"] });
    expect(await clear({ destinationIds: [], labelSelector: { site: "berlin" } })).toEqual(["a", "c"]);
    expect(overrides.get("a")).toBeUndefined();
  });

  test("refuses both, neither, and unknown ids, and clears nothing", async () => {
    const { set, clear, overrides } = await start();
    await set({ destinationIds: ["sales"] });
    const both = clear({ destinationIds: ["sales"], labelSelector: { a: "b" } });
    expect(await violationsOf(both)).toEqual([
      "label_selector CONFLICT: is given with destination_ids, expected one of the two",
    ]);
    expect(await violationsOf(clear({ destinationIds: [], labelSelector: {} }))).toEqual([
      "destination_ids REQUIRED: is empty like label_selector, expected one of the two",
    ]);
    await expect(clear({ destinationIds: ["sales", "ghost"], labelSelector: {} })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: 'Cannot clear override of destination "ghost": it does not exist',
    });
    expect(overrides.get("sales")).toBeDefined();
  });
});
