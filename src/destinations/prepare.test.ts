import { describe, expect, test } from "vitest";
import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import type { ServiceError } from "../lib/errors.ts";
import { createPrepare } from "./prepare.ts";
import {
  bearer,
  destinationOf,
  newDestination,
  OTHER_TOKEN,
  SIMULATOR,
  startDestinations,
  TOKEN,
  tokenOf,
} from "./test-destinations.ts";

async function start() {
  const service = await startDestinations();
  return { ...service, prepare: createPrepare(service) };
}

const violations = (call: Promise<unknown>): Promise<string[]> =>
  call.then(
    () => [],
    (error: ServiceError) => {
      expect(error.code).toBe("INVALID_ARGUMENT");
      return error.violations.map(({ field, reason }) => `${field} ${reason}`);
    },
  );

const CREDENTIAL = "destination.ring_central.credential";

describe("createPrepare()", () => {
  test("makes a destination ready to be asked and stores, enters and tells nothing", async () => {
    const { prepare, store, registry, events } = await start();
    const given = newDestination({ disabled: true });
    const entry = await prepare(given);
    expect(entry).toMatchObject({ id: "sales", revision: 0n, disabled: true, proven: false, invalid: "" });
    expect(entry.compiled).toMatchObject({ queue: { queueId: "400123" }, timeoutMs: 10_000 });
    expect(tokenOf(entry.compiled?.access)).toBe(TOKEN);
    expect(registry.get("sales")).toBeUndefined();
    expect(await store.list("")).toEqual([]);
    expect(events).toEqual([]);
    expect(given).toEqual(newDestination({ disabled: true }));
  });

  test("takes one without a name, which has no stored credential even when one is named like its stand-in", async () => {
    const { prepare, configure } = await start();
    expect(await prepare(newDestination({ id: "" }))).toMatchObject({ id: "", compiled: { timeoutMs: 10_000 } });
    await configure(newDestination({ id: "unsaved" }));
    expect(await violations(prepare(destinationOf({ id: "" })))).toEqual([`${CREDENTIAL} REQUIRED`]);
  });

  test.each<[string, Destination]>([
    ["nothing else changes", destinationOf()],
    [
      "queue, criteria and name change",
      destinationOf({ displayName: "x" }, { callQueueId: "2", onlyExtensions: ["1"] }),
    ],
  ])("keeps the stored credential when none is given and %s", async (_, given) => {
    const { prepare, configure, registry } = await start();
    await configure(newDestination());
    const entry = await prepare(given);
    expect(tokenOf(entry.compiled?.access)).toBe(TOKEN);
    expect(registry.get("sales")?.revision).toBe(1n);
  });

  test.each<[string, Destination]>([
    ["there is none of that id", destinationOf({ id: "other" })],
    ["the server is another", destinationOf({}, { serverUrl: SIMULATOR })],
    ["the account is another", destinationOf({}, { accountId: "77" })],
  ])("needs a credential when none is given and %s", async (_, given) => {
    const { prepare, configure } = await start();
    await configure(newDestination());
    expect(await violations(prepare(given))).toEqual([`${CREDENTIAL} REQUIRED`]);
  });

  test("uses the given credential rather than the stored one, and keeps the stored one", async () => {
    const { prepare, configure, registry } = await start();
    await configure(newDestination());
    const entry = await prepare(destinationOf({}, bearer(OTHER_TOKEN)));
    expect(tokenOf(entry.compiled?.access)).toBe(OTHER_TOKEN);
    expect(tokenOf(registry.get("sales")?.compiled?.access)).toBe(TOKEN);
  });

  test("does not use a deleted destination's credential", async () => {
    const { prepare, configure, remove } = await start();
    await configure(newDestination());
    await remove("sales");
    expect(await violations(prepare(destinationOf()))).toEqual([`${CREDENTIAL} REQUIRED`]);
  });

  test("says everything that is wrong at once", async () => {
    const { prepare } = await start();
    const call = prepare(destinationOf({ id: "-", timeout: { seconds: 61n } }, { callQueueId: "x" }));
    await expect(call).rejects.toThrow(/^Cannot test destination "-": /);
    expect(await violations(call)).toEqual([
      "destination.id INVALID_FORMAT",
      "destination.timeout OUT_OF_RANGE",
      "destination.ring_central.call_queue_id INVALID_FORMAT",
      `${CREDENTIAL} REQUIRED`,
    ]);
  });
});
