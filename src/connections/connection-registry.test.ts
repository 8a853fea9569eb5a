import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { createKeyring, SealingError } from "../lib/sealing.ts";
import { decodeRecord, encodeRecord } from "../stores/records.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { partsOf } from "./credentials.ts";
import { CONNECTION, type ConnectionRecord } from "./record.ts";
import {
  bearerCredential,
  changesTold,
  connectionOf,
  keyOf,
  newConnection,
  PLATFORM,
  SIMULATOR,
  startConnections,
  TOKEN,
} from "./test-connections.ts";

const KEY = "connections/main";

let store: Store;
let service: Awaited<ReturnType<typeof startConnections>>;
beforeEach(async () => {
  store = openSqlite(":memory:");
  service = await startConnections({ store });
  onTestFinished(() => store.close());
});

const restart = (over: Parameters<typeof startConnections>[0] = {}) => startConnections({ store, ...over });
const recordOf = async () => decodeRecord(CONNECTION, (await store.get(KEY))!.value) as ConnectionRecord;
const putRecord = (record: ConnectionRecord) => store.put(KEY, encodeRecord(CONNECTION, record));
const keyring = (...bytes: number[]) => createKeyring(bytes.map(keyOf));

describe("ConnectionRegistry.load()", () => {
  test("refuses, naming the missing keys, when secrets were sealed with others", async () => {
    const second = await restart({ keyring: keyring(2, 1) });
    await service.configure(newConnection({ id: "a" }));
    await second.configure(newConnection({ id: "b" }));
    const [one, two, three] = [1, 2, 3].map((byte) => keyring(byte).keyIds[0]);
    const error = await restart({ keyring: keyring(3) }).catch((failure) => failure);
    expect(error).toBeInstanceOf(SealingError);
    expect(error).toMatchObject({
      reason: "UNKNOWN_KEY",
      message: `Cannot open sealed secret: stored ones need the keys "${one}", "${two}", given are "${three}"`,
    });
  });

  test("seals again with the first key, so that the older can go, while others run on with the older", async () => {
    await service.configure(newConnection());
    await service.configure(newConnection({ id: "pasted", credential: bearerCredential(TOKEN) }));
    await restart({ keyring: keyring(2, 1) });
    await changesTold(store);
    const fresh = await restart({ keyring: keyring(2) });
    for (const { connections } of [service, fresh]) {
      expect(connections.get("main")).toMatchObject({ revision: 1n, access: { kind: "jwt" } });
      expect(partsOf(connections.get("pasted")!.access!)).toEqual(["bearer_token", TOKEN]);
    }
    // Nothing changed that a caller sees.
    expect(service.events).toEqual(["main 1", "pasted 1"]);
    const put = vi.spyOn(store, "put");
    await restart({ keyring: keyring(2, 1) });
    expect(put).not.toHaveBeenCalled();
  });

  test("reads each record once when every secret is sealed with the first key", async () => {
    await service.configure(newConnection());
    const read = vi.spyOn(CONNECTION, "fromJson");
    await restart();
    expect(read).toHaveBeenCalledTimes(1);
    read.mockRestore();
  });

  test("goes on with what is there when it cannot be sealed again, or others wrote meanwhile", async () => {
    await service.configure(newConnection());
    const put = vi.spyOn(store, "put");
    put.mockRejectedValueOnce(new ServiceError("UNAVAILABLE", "disk full"));
    expect((await restart({ keyring: keyring(2, 1) })).connections.get("main")?.access).toBeDefined();
    expect((await recordOf()).credential.sealed).toContain(keyring(1).keyIds[0]);
    const list = vi.spyOn(store, "list");
    list.mockImplementationOnce(async (prefix) => {
      const entries = await store.list(prefix);
      await service.configure(newConnection({ serverUrl: SIMULATOR }));
      return entries;
    });
    const rotated = await restart({ keyring: keyring(2, 1) });
    expect(list).toHaveBeenCalledTimes(2);
    expect(rotated.connections.get("main")).toMatchObject({ origin: SIMULATOR, revision: 2n });
  });
});

describe("a stored connection that cannot be used", () => {
  test("says so, stops no other and is well once configured again, when the allow-list shrank", async () => {
    await service.configure(newConnection({ serverUrl: SIMULATOR }));
    await service.configure(newConnection({ id: "other" }));
    const { connections, configure } = await restart({ allowList: { allows: (origin) => origin === PLATFORM } });
    expect(connections.get("main")).toMatchObject({ origin: SIMULATOR, access: undefined, revision: 1n });
    expect(connections.get("main")?.invalid).toMatch(
      /^The stored connection is not valid: connection\.server_url is "http.*UPSTREAM_ALLOW$/,
    );
    expect(connections.get("other")).toMatchObject({ invalid: "", access: { kind: "jwt" } });
    await configure(newConnection());
    expect(connections.get("main")).toMatchObject({ invalid: "", revision: 2n });
  });

  test("never uses its credential for another origin, or in another place", async () => {
    await service.configure(newConnection());
    const record = await recordOf();
    await store.put("connections/theirs", (await store.get(KEY))!.value);
    await putRecord({ ...record, message: { ...record.message, serverUrl: SIMULATOR } });
    const moved = await restart();
    expect(moved.connections.get("main")?.invalid).toMatch(/^The stored credential is for another origin; /);
    expect(moved.connections.get("theirs")?.invalid).toMatch(/^The stored credential cannot be opened; /);
    const message = { ...record.message, serverUrl: SIMULATOR };
    await putRecord({ message, credential: { ...record.credential, origin: SIMULATOR } });
    const forged = await restart();
    expect(forged.connections.get("main")).toMatchObject({ access: undefined });
    expect(forged.connections.get("main")?.invalid).toMatch(/^The stored credential cannot be opened; /);
    expect((await forged.configure(connectionOf()).catch((error) => error)).violations).toMatchObject([
      { description: "is absent, and the stored one cannot be opened, expected a credential" },
    ]);
  });

  test.each<[string, (content: Record<string, unknown>) => unknown]>([
    ["of a newer format", (content) => ({ ...content, format: 2 })],
    ["without a credential", (content) => ({ ...content, credential: undefined })],
    ["with half a credential", (content) => ({ ...content, credential: { kind: "jwt", origin: "x" } })],
    [
      "with an unknown kind",
      (content) => ({ ...content, credential: { ...Object(content.credential), kind: "saml" } }),
    ],
  ])(
    "is read back with its revision, and can be made again or deleted, when its record is one %s",
    async (_, damage) => {
      await service.configure(newConnection());
      const { value } = (await store.get(KEY))!;
      const damaged = Buffer.from(JSON.stringify(damage(JSON.parse(Buffer.from(value).toString()))));
      await store.put(KEY, damaged);
      const { connections, configure } = await restart();
      expect(connections.get("main")).toMatchObject({
        revision: 1n,
        origin: "",
        message: { id: "main", revision: 1n },
      });
      expect(connections.get("main")?.invalid).toMatch(/^The stored connection cannot be read: ./);
      expect((await configure(newConnection(), { expectedRevision: 1n })).connection.revision).toBe(2n);
      await store.put(KEY, damaged);
      await (await restart()).remove("main");
      expect((await (await restart()).configure(newConnection())).connection.revision).toBe(2n);
    },
  );

  test("is one without a key here that another replica has", async () => {
    const replica = await restart({ keyring: keyring(2) });
    await service.configure(newConnection());
    await changesTold(store);
    expect(replica.connections.get("main")?.invalid).toMatch(/^The stored credential cannot be opened; /);
  });
});

describe("ConnectionRegistry in step with the store", () => {
  test("follows what another replica writes and tells of it", async () => {
    const replica = await restart();
    await service.configure(newConnection());
    await service.configure(newConnection({ serverUrl: SIMULATOR }));
    await changesTold(store);
    expect(replica.connections.get("main")).toMatchObject({ revision: 2n, origin: SIMULATOR });
    await service.remove("main");
    await changesTold(store);
    expect(replica.connections.get("main")).toBeUndefined();
    expect(replica.events.at(-1)).toBe("main deleted");
  });

  test("gives pages in the order of ids", async () => {
    for (const id of ["b", "B", "a-1", "a", "10"]) await service.configure(newConnection({ id }));
    const ids = (query: { after: string; size: number }) => service.connections.page(query).map(({ id }) => id);
    expect(ids({ after: "", size: 9 })).toEqual(["10", "B", "a", "a-1", "b"]);
    expect(ids({ after: "B", size: 2 })).toEqual(["a", "a-1"]);
    expect([...service.connections.all()].map(({ id }) => id).sort()).toEqual(["10", "B", "a", "a-1", "b"]);
  });

  test("tells nobody any more when it is closed or unsubscribed", async () => {
    const heard = { configured: vi.fn(), deleted: vi.fn() };
    service.connections.subscribe(heard)();
    await service.configure(newConnection());
    service.connections.close();
    await (await restart()).remove("main");
    await changesTold(store);
    expect(service.connections.get("main")).toBeDefined();
    expect([heard.configured.mock.calls, heard.deleted.mock.calls, service.events]).toEqual([[], [], ["main 1"]]);
  });
});
