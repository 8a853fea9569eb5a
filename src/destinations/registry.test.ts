import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { createKeyring, SealingError } from "../lib/sealing.ts";
import { decodeRecord, encodeRecord } from "../stores/records.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { DESTINATION, type DestinationRecord } from "./record.ts";
import { Registry } from "./registry.ts";
import {
  bearer,
  changesTold,
  destinationOf,
  keyOf,
  newDestination,
  OTHER_TOKEN,
  SIMULATOR,
  startDestinations,
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

const restart = (over: Parameters<typeof startDestinations>[0] = {}) => startDestinations({ store, ...over });
const put = (id: string, content: unknown) => store.put(`destinations/${id}`, Buffer.from(JSON.stringify(content)));
const contentOf = async (id: string) =>
  JSON.parse(Buffer.from((await store.get(`destinations/${id}`))!.value).toString());
const told = () => changesTold(store);

describe("Registry.load()", () => {
  test("brings everything back as it was when the service starts again", async () => {
    const labels = { team: "a" };
    await service.configure(
      newDestination(
        { displayName: "Sales", labels, timeout: { nanos: 64_000_002 } },
        { onlyExtensions: ["102", "101"] },
      ),
    );
    await service.configure(newDestination({ id: "off", disabled: true }, { serverUrl: SIMULATOR, accountId: "7" }));
    await service.configure(newDestination({ id: "gone" }));
    await service.remove("gone");
    const { registry, events } = await restart();
    for (const id of ["sales", "off"]) {
      const { compiled, ...entry } = registry.get(id)!;
      const { compiled: before, ...same } = service.registry.get(id)!;
      expect(entry).toEqual(same);
      expect(tokenOf(compiled?.access)).toBe(tokenOf(before?.access));
      expect({ ...compiled, access: undefined, criteria: undefined }).toEqual({
        ...before,
        access: undefined,
        criteria: undefined,
      });
    }
    expect(registry.get("gone")).toBeUndefined();
    expect([...registry.all()].map(({ id }) => id).sort()).toEqual(["off", "sales"]);
    expect(events.toSorted()).toEqual(["off 1", "sales 1"]);
  });

  test("is done when there is nothing", async () => {
    expect([...service.registry.all()]).toEqual([]);
  });

  test("rejects when the store cannot be read", async () => {
    const closed = openSqlite(":memory:");
    await closed.close();
    const registry = new Registry({ ...service, store: closed });
    await expect(registry.load()).rejects.toMatchObject({ code: "UNAVAILABLE" });
  });

  test("refuses, naming every key that is missing and those given, when secrets were sealed with others", async () => {
    // All of them start before any of them writes: a start seals again what older keys sealed.
    const second = await restart({ keyring: createKeyring([keyOf(2), keyOf(1)]) });
    const third = await restart({ keyring: createKeyring([keyOf(3), keyOf(2), keyOf(1)]) });
    await service.configure(newDestination({ id: "a" }));
    await second.configure(newDestination({ id: "b" }));
    await third.configure(newDestination({ id: "c" }));
    const [one, two, three] = [1, 2, 3].map((byte) => createKeyring([keyOf(byte)]).keyIds[0]!);
    const error = await restart({ keyring: createKeyring([keyOf(3)]) }).catch((failure) => failure);
    expect(error).toBeInstanceOf(SealingError);
    expect(error).toMatchObject({ reason: "UNKNOWN_KEY", keyId: one });
    expect(error.message).toBe(
      `Cannot open sealed secret: stored ones need the keys "${one}", "${two}", given are "${three}"`,
    );
  });

  test("refuses for a missing key also when the destination no longer compiles", async () => {
    await service.configure(newDestination());
    const call = restart({ keyring: createKeyring([keyOf(2)]), allowList: { allows: () => false } });
    await expect(call).rejects.toMatchObject({ reason: "UNKNOWN_KEY" });
  });

  test("asks for no key when the destination was deleted", async () => {
    await service.configure(newDestination());
    await service.remove("sales");
    const { registry } = await restart({ keyring: createKeyring([keyOf(2)]) });
    expect([...registry.all()]).toEqual([]);
  });
});

describe("a stored destination that cannot be asked about", () => {
  test("is invalid, says everything that is wrong, and stops no other when the allow-list shrank", async () => {
    await service.configure(newDestination({ labels: { a: "b" } }, { serverUrl: SIMULATOR }));
    await service.configure(newDestination({ id: "other" }));
    const shrunk = { allows: (origin: string) => origin !== SIMULATOR };
    const { registry, configure, remove } = await restart({ allowList: shrunk });
    const entry = registry.get("sales")!;
    expect(entry).toMatchObject({ revision: 1n, labels: { a: "b" }, compiled: undefined });
    expect(entry.invalid).toMatch(
      /^The stored destination no longer compiles: destination\.ring_central\.server_url is "http/,
    );
    expect(registry.get("other")?.compiled).toBeDefined();
    expect((await configure(newDestination())).destination.revision).toBe(2n);
    expect(registry.get("sales")).toMatchObject({ invalid: "", revision: 2n });
    await remove("sales");
    expect(registry.get("sales")).toBeUndefined();
  });

  const damaged: [string, (content: Record<string, unknown>) => unknown][] = [
    ["of a newer format", (content) => ({ ...content, format: 2 })],
    ["without a format", (content) => ({ ...content, format: undefined })],
    ["without a credential", (content) => ({ ...content, credential: undefined })],
    ["with half a credential", (content) => ({ ...content, credential: { kind: "bearer_token", origin: "x" } })],
    [
      "with a credential of an unknown kind",
      (content) => ({ ...content, credential: { ...(content.credential as object), kind: "oauth" } }),
    ],
    ["without a template revision", (content) => ({ ...content, templateRevision: undefined })],
    [
      "with a field of another type",
      (content) => ({ ...content, destination: { ...(content.destination as object), timeout: "soon" } }),
    ],
  ];

  test.each(damaged)(
    "is invalid, is read back with its revision, and can be made again when its record is one %s",
    async (_, damage) => {
      await service.configure(newDestination({ displayName: "Sales" }));
      await service.configure(destinationOf({ displayName: "Sales!" }));
      await put("sales", damage(await contentOf("sales")));
      await service.configure(newDestination({ id: "other" }));
      const { registry, configure } = await restart();
      expect(registry.get("sales")).toMatchObject({
        revision: 2n,
        compiled: undefined,
        message: { id: "sales", revision: 2n },
      });
      expect(registry.get("sales")?.invalid).toMatch(/^The stored destination cannot be read: ./);
      expect(registry.get("other")?.compiled).toBeDefined();
      await expect(configure(destinationOf())).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
      expect((await configure(newDestination(), { expectedRevision: 2n })).destination.revision).toBe(3n);
      expect(registry.get("sales")?.compiled).toBeDefined();
    },
  );

  test.each([
    ["damaged", damaged[0]![1]],
    ["whole", (content: unknown) => content],
  ] as const)("can be deleted when its record is %s, and its revision stays", async (_, damage) => {
    await service.configure(newDestination());
    await put("sales", damage(await contentOf("sales")));
    const { configure, remove } = await restart();
    await remove("sales");
    expect((await configure(newDestination())).destination.revision).toBe(2n);
  });

  test.each(["null", "7", '"x"', "[]", "{", "", '{"format":1,"deletedRevision":"x"}'])(
    "stops nothing when its record is %j",
    async (text) => {
      await store.put("destinations/sales", Buffer.from(text));
      await service.configure(newDestination({ id: "other" }));
      const { registry, configure } = await restart();
      expect(registry.get("sales")).toMatchObject({ revision: 0n, compiled: undefined });
      expect(registry.get("other")?.compiled).toBeDefined();
      expect((await configure(newDestination())).destination.revision).toBe(1n);
    },
  );

  test("counts on from the tombstone of a newer format", async () => {
    await put("sales", { format: 2, deletedRevision: "41" });
    expect((await (await restart()).configure(newDestination())).destination.revision).toBe(42n);
  });

  test("is invalid, and never taken for its default, when it holds a value that only a newer release knows", async () => {
    await service.configure(newDestination({ failure: { onUndecided: 2 } }));
    const content = await contentOf("sales");
    expect(content.destination.failure).toEqual({ onUndecided: 2 });
    content.destination.failure.onUndecided = 9;
    await put("sales", content);
    const { registry } = await restart();
    expect(registry.get("sales")?.invalid).toContain("destination.failure.on_undecided is 9, expected one of");
  });

  test("is none when it only holds a field that a newer release knows", async () => {
    await service.configure(newDestination());
    const content = await contentOf("sales");
    content.destination.later = true;
    await put("sales", content);
    expect((await restart()).registry.get("sales")?.compiled).toBeDefined();
  });
});

describe("Registry.page()", () => {
  const ids = (entries: { id: string }[]) => entries.map(({ id }) => id);

  test("gives ids in their order, by code unit, from after a place, at most as many as asked for", async () => {
    const all = ["b", "B", "a-1", "a", "a_1", "10", "9", "a1"];
    for (const id of all) await service.configure(newDestination({ id }));
    const { registry } = service;
    const sorted = ["10", "9", "B", "a", "a-1", "a1", "a_1", "b"];
    expect(ids(registry.page({ selector: {}, after: "", size: 100 }))).toEqual(sorted);
    expect(ids(registry.page({ selector: {}, after: "", size: 3 }))).toEqual(sorted.slice(0, 3));
    expect(ids(registry.page({ selector: {}, after: "B", size: 2 }))).toEqual(["a", "a-1"]);
    expect(ids(registry.page({ selector: {}, after: "a0", size: 2 }))).toEqual(["a1", "a_1"]);
    expect(registry.page({ selector: {}, after: "b", size: 2 })).toEqual([]);
    await service.configure(newDestination({ id: "a0" }));
    expect(ids(registry.page({ selector: {}, after: "B", size: 3 }))).toEqual(["a", "a-1", "a0"]);
    await service.remove("a");
    expect(ids(registry.page({ selector: {}, after: "B", size: 2 }))).toEqual(["a-1", "a0"]);
  });

  test("gives those that have all the labels, with those values", async () => {
    await service.configure(newDestination({ id: "a", labels: { team: "x", site: "1" } }));
    await service.configure(newDestination({ id: "b", labels: { team: "x", site: "" } }));
    await service.configure(newDestination({ id: "c" }));
    const select = (selector: Record<string, string>) => ids(service.registry.page({ selector, after: "", size: 9 }));
    expect(select({ team: "x" })).toEqual(["a", "b"]);
    expect(select({ team: "x", site: "1" })).toEqual(["a"]);
    expect(select({ site: "" })).toEqual(["b"]);
    expect(select({ constructor: "x" })).toEqual([]);
    await service.configure(destinationOf({ id: "a" }));
    expect(select({ team: "x" })).toEqual(["b"]);
    expect(ids(service.registry.page({ selector: { team: "x" }, after: "", size: 1 }))).toEqual(["b"]);
  });
});

describe("Registry in step with the store", () => {
  test("follows what another replica writes", async () => {
    const replica = await restart();
    await service.configure(newDestination());
    await service.configure(destinationOf({ disabled: true }, bearer(OTHER_TOKEN)));
    await told();
    expect(replica.registry.get("sales")).toMatchObject({ revision: 2n, disabled: true });
    expect(tokenOf(replica.registry.get("sales")?.compiled?.access)).toBe(OTHER_TOKEN);
    await service.remove("sales");
    await told();
    expect(replica.registry.get("sales")).toBeUndefined();
    expect(replica.events.at(-1)).toBe("sales deleted");
  });

  test("holds another replica's destination as invalid when its key is missing here", async () => {
    const replica = await restart({ keyring: createKeyring([keyOf(2)]) });
    await service.configure(newDestination());
    await told();
    expect(replica.registry.get("sales")).toMatchObject({
      compiled: undefined,
      invalid: "The stored credential cannot be opened; configure it again",
    });
  });

  test("is told of its own write once, and sees it as soon as configure() resolves", async () => {
    await service.configure(newDestination());
    expect(service.registry.get("sales")?.revision).toBe(1n);
    await told();
    expect(service.events).toEqual(["sales 1"]);
  });

  test("goes by the store's revisions when echoes come late: nothing older undoes what is newer", async () => {
    await service.configure(newDestination({ displayName: "old" }));
    const old = decodeRecord(DESTINATION, (await store.get("destinations/sales"))!.value) as DestinationRecord;
    await service.configure(destinationOf({ displayName: "new" }));
    const { revision } = (await store.get("destinations/sales"))!;
    const registry = new Registry(service);
    registry.apply("sales", { ...old, message: (await restart()).registry.get("sales")!.message }, revision);
    registry.apply("sales", old, revision - 1);
    registry.apply("sales", { deletedRevision: 1n }, revision - 1);
    registry.apply("sales", old, revision);
    expect(registry.get("sales")?.message.displayName).toBe("new");
    // The store tells what was applied already, and older things, when the registry begins to follow it.
    const events: string[] = [];
    registry.subscribe({ configured: ({ id }) => events.push(id), deleted: (id) => events.push(`${id} deleted`) });
    await registry.load();
    expect(events).toEqual([]);
    registry.apply("sales", { deletedRevision: 2n }, revision + 1);
    registry.apply("sales", old, revision);
    expect(registry.get("sales")).toBeUndefined();
    expect(events).toEqual(["sales deleted"]);
  });

  test("forgets a destination when its key is removed from the store", async () => {
    await service.configure(newDestination());
    await store.delete("destinations/sales");
    await told();
    expect(service.registry.get("sales")).toBeUndefined();
  });

  test("tells nobody any more when it is closed or unsubscribed", async () => {
    const heard = { configured: vi.fn(), deleted: vi.fn() };
    service.registry.subscribe(heard)();
    service.registry.close();
    await store.put("destinations/x", encodeRecord(DESTINATION, { deletedRevision: 1n }));
    await put("sales", {});
    await told();
    expect(service.registry.get("sales")).toBeUndefined();
    expect([heard.configured.mock.calls, service.events]).toEqual([[], []]);
  });
});

describe("Registry.prove()", () => {
  const proven = (of: Service) => of.registry.get("sales")?.proven;

  test("is remembered over restarts until template or credential change", async () => {
    await service.configure(newDestination());
    expect(proven(service)).toBe(false);
    await service.registry.prove(service.registry.get("sales")!);
    expect(proven(await restart())).toBe(true);
    await service.configure(destinationOf({ displayName: "x" }));
    expect(proven(service)).toBe(true);
    await service.configure(destinationOf({}, bearer(OTHER_TOKEN)));
    expect(proven(service)).toBe(false);
    expect(proven(await restart())).toBe(false);
  });

  test("does not speak for a new destination of the same id", async () => {
    await service.configure(newDestination());
    await service.registry.prove(service.registry.get("sales")!);
    await service.remove("sales");
    await service.configure(newDestination());
    expect(proven(service)).toBe(false);
  });

  test("writes once, and fails nobody when the store is down", async () => {
    await service.configure(newDestination());
    const entry = service.registry.get("sales")!;
    const written = vi.spyOn(store, "put");
    await service.registry.prove(entry);
    await service.registry.prove(entry);
    expect(written).toHaveBeenCalledOnce();
    await service.configure(destinationOf({}, bearer(OTHER_TOKEN)));
    written.mockRejectedValueOnce(new Error("down"));
    await service.registry.prove(service.registry.get("sales")!);
  });
});
