import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Destination } from "../../gen/availability/v1/destination_pb.ts";
import { connectionOf, newConnection, oauthCredential } from "../connections/test-connections.ts";
import type { ServiceError } from "../lib/errors.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { createPrepare } from "./prepare.ts";
import {
  bearer,
  changesTold,
  destinationOf,
  newDestination,
  over,
  PLATFORM,
  SIMULATOR,
  startDestinations,
  TOKEN,
  tokenOf,
} from "./test-destinations.ts";

type Service = Awaited<ReturnType<typeof startDestinations>>;
let store: Store;
let service: Service;
beforeEach(async () => {
  store = openSqlite(":memory:");
  service = await startDestinations({ store });
  onTestFinished(() => store.close());
});

const restart = () => startDestinations({ store });
const asking = (rest: Parameters<typeof destinationOf>[0] = {}, template: Parameters<typeof destinationOf>[1] = {}) =>
  destinationOf(rest, { ...over("main"), ...template });
const other = () => newConnection({ credential: oauthCredential({ clientId: "other" }) });
const entryOf = (of: Service = service) => of.registry.get("sales")!;
const stored = async () => Buffer.from((await store.get("destinations/sales"))!.value).toString();
const templateIn = (of: Destination) => {
  if (of.template.case !== "ringCentral") throw new Error("the destination has no template");
  return of.template.value;
};

async function refusalOf(call: Promise<unknown>): Promise<string[]> {
  const error: ServiceError = await call.then(
    () => expect.unreachable("the call succeeded"),
    (failure) => failure,
  );
  expect(error.code).toBe("INVALID_ARGUMENT");
  return error.violations.map((v) => `${v.field} ${v.reason}`);
}

describe("configure() of a destination that asks over a connection", () => {
  test("stores no credential and shows the connection's server, and is the same after a restart", async () => {
    await service.configureConnection(newConnection({ serverUrl: SIMULATOR }));
    const { destination, effective, request } = await service.configure(asking());
    expect(templateIn(destination)).toMatchObject({ access: over("main").access, serverUrl: "" });
    expect(templateIn(destination).credentialStatus).toBeUndefined();
    expect(templateIn(effective)).toMatchObject({ access: over("main").access, serverUrl: SIMULATOR });
    expect(request.url).toMatch(new RegExp(`^${SIMULATOR}/restapi/`));
    expect(await stored()).not.toContain("credential");
    for (const of of [service, await restart()]) {
      expect(entryOf(of)).toMatchObject({
        invalid: "",
        credentialRevision: 1n,
        compiled: { access: { kind: "connection", connectionId: "main" }, queue: { origin: SIMULATOR } },
      });
      expect(of.registry.usersOf("main")).toEqual(["sales"]);
    }
  });

  test("writes nothing when it is equal, and something when connection or server are others", async () => {
    await service.configureConnection(newConnection());
    await service.configureConnection(newConnection({ id: "second" }));
    const first = await service.configure(asking());
    expect(await service.configure(asking())).toEqual(first);
    expect((await service.configure(asking({}, over("second")))).destination.revision).toBe(2n);
    expect((await service.configure(asking({}, { ...over("second"), serverUrl: PLATFORM }))).destination.revision).toBe(
      3n,
    );
    expect(entryOf()).toMatchObject({ templateRevision: 3n });
    expect(service.registry.usersOf("main")).toEqual([]);
    expect(service.registry.usersOf("second")).toEqual(["sales"]);
  });

  test("is refused when there is no such connection, or it is for another server", async () => {
    expect(await refusalOf(service.configure(asking()))).toEqual([
      "destination.ring_central.connection_id UNKNOWN_CONNECTION",
    ]);
    await service.configureConnection(newConnection());
    const call = service.configure(asking({ id: "-" }, { serverUrl: SIMULATOR, callQueueId: "x" }));
    expect(await refusalOf(call)).toEqual([
      "destination.id INVALID_FORMAT",
      "destination.ring_central.server_url OTHER_SERVER",
      "destination.ring_central.call_queue_id INVALID_FORMAT",
    ]);
  });

  test("leaves nothing of its own credential behind, nor is one kept from before", async () => {
    await service.configureConnection(newConnection());
    await service.configure(newDestination());
    await service.configure(asking());
    expect(await stored()).not.toContain("sealed");
    expect(await refusalOf(service.configure(destinationOf()))).toEqual([
      "destination.ring_central.credential REQUIRED",
    ]);
    await service.configure(newDestination());
    expect(tokenOf(entryOf().compiled?.access)).toBe(TOKEN);
    expect(entryOf()).toMatchObject({ templateRevision: 3n, credentialRevision: 0n });
    expect(service.registry.usersOf("main")).toEqual([]);
  });

  test("prepares an unsaved one too", async () => {
    await service.configureConnection(newConnection({ serverUrl: SIMULATOR }));
    const entry = await createPrepare(service)(asking({ id: "" }));
    expect(entry.compiled).toMatchObject({
      access: { kind: "connection", connectionId: "main" },
      queue: { origin: SIMULATOR },
    });
    expect(service.registry.usersOf("main")).toEqual([]);
  });
});

describe("a destination whose connection changes", () => {
  test("moves with it at once, all of them", async () => {
    await service.configureConnection(newConnection());
    for (const id of ["a", "b"]) await service.configure(asking({ id }));
    await service.configure(newDestination({ id: "c" }));
    service.events.length = 0;
    await service.configureConnection(newConnection({ serverUrl: SIMULATOR }));
    expect(service.events.toSorted()).toEqual(["a 1", "b 1"]);
    for (const id of ["a", "b"]) {
      expect(service.registry.get(id)).toMatchObject({
        credentialRevision: 2n,
        compiled: { queue: { origin: SIMULATOR } },
      });
    }
  });

  test("is invalid while it is gone or does not work, and well again when it comes back", async () => {
    await service.configureConnection(newConnection());
    await service.configure(asking());
    const replica = await restart();
    // As when it begins to use the connection while that is deleted.
    await store.put("connections/main", Buffer.from('{"format":1,"deletedRevision":"1"}'));
    await changesTold(store);
    const gone =
      "The stored destination no longer compiles: " +
      'destination.ring_central.connection_id is "main", which does not exist, expected the id of a connection';
    for (const of of [service, replica, await restart()]) {
      expect(entryOf(of)).toMatchObject({ compiled: undefined, invalid: gone, credentialRevision: 0n });
    }
    await store.put("connections/main", Buffer.from("{}"));
    await changesTold(store);
    expect(entryOf(replica).invalid).toContain('"main", which cannot be used: The stored connection cannot be read: ');
    await service.configureConnection(newConnection());
    await changesTold(store);
    for (const of of [service, replica]) expect(entryOf(of)).toMatchObject({ invalid: "", revision: 1n });
  });

  test("is invalid when it moves to another server than the one the destination names", async () => {
    await service.configureConnection(newConnection());
    await service.configure(asking({}, { serverUrl: PLATFORM }));
    await service.configureConnection(newConnection({ serverUrl: SIMULATOR }));
    expect(entryOf().invalid).toContain(
      `destination.ring_central.server_url is "${PLATFORM}", but the connection "main" is for "${SIMULATOR}"`,
    );
  });

  test("hears of it no more when it was deleted, or the registry is closed", async () => {
    await service.configureConnection(newConnection());
    await service.configure(asking());
    await service.configure(asking({ id: "gone" }));
    await service.remove("gone");
    service.events.length = 0;
    await service.configureConnection(other());
    expect(service.events).toEqual(["sales 1"]);
    service.registry.close();
    await service.configureConnection(newConnection());
    expect(service.events).toEqual(["sales 1"]);
    expect(entryOf().credentialRevision).toBe(2n);
  });
});

describe("what a destination with a connection has proven", () => {
  const proven = (of: Service) => of.registry.get("sales")?.proven;

  test("holds over restarts until the connection's credential or the template change", async () => {
    await service.configureConnection(newConnection());
    await service.configure(asking());
    await service.registry.prove(entryOf());
    await service.configureConnection(connectionOf());
    await service.configure(asking({ disabled: true }));
    expect([proven(service), proven(await restart())]).toEqual([true, true]);
    await service.configureConnection(other());
    expect([proven(service), proven(await restart())]).toEqual([false, false]);
    await service.registry.prove(entryOf());
    expect(proven(await restart())).toBe(true);
    await service.configure(asking({ disabled: true }, { callQueueId: "1" }));
    expect(proven(service)).toBe(false);
  });

  test("does not hold for a connection that was deleted and made anew", async () => {
    await service.configureConnection(newConnection());
    await service.configure(asking());
    await service.registry.prove(entryOf());
    await store.put("connections/main", Buffer.from('{"format":1,"deletedRevision":"1"}'));
    await changesTold(store);
    await service.configureConnection(newConnection());
    expect(entryOf()).toMatchObject({ credentialRevision: 2n, proven: false });
  });
});

describe("deleting a connection", () => {
  test("is ABORTED while destinations use it, and done when none does any more", async () => {
    await service.configureConnection(newConnection());
    for (const id of ["b", "a"]) await service.configure(asking({ id }));
    await expect(service.removeConnection("main")).rejects.toMatchObject({
      code: "ABORTED",
      message: 'Cannot delete connection "main": 2 destinations use it: "a", "b"',
    });
    await service.remove("a");
    await service.configure(destinationOf({ id: "b" }, bearer(TOKEN)));
    await service.removeConnection("main");
    expect(service.connections.get("main")).toBeUndefined();
  });

  test("leaves no destination asking, whatever wins, when one begins to use it at the same moment", async () => {
    await service.configureConnection(newConnection());
    const [removed, configured] = await Promise.allSettled([
      service.removeConnection("main"),
      service.configure(asking()),
    ]);
    const inUse = removed.status === "rejected";
    expect(configured.status).toBe("fulfilled");
    expect(entryOf().compiled !== undefined).toBe(inUse);
  });
});
