import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";

import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { CredentialKind } from "../../gen/availability/v1/credential_pb.ts";
import type { ServiceError } from "../lib/errors.ts";
import { openSqlite } from "../stores/sqlite.ts";
import { partsOf } from "./credentials.ts";
import {
  bearerCredential,
  CLIENT_ID,
  CLIENT_SECRET,
  connectionOf,
  fingerprint,
  JWT,
  newConnection,
  oauthCredential,
  PLATFORM,
  SIMULATOR,
  startConnections,
  TOKEN,
} from "./test-connections.ts";

type Service = Awaited<ReturnType<typeof startConnections>>;
let service: Service;
beforeEach(async () => {
  service = await startConnections();
});

async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => expect.unreachable("the call succeeded"),
    (error) => error,
  );
}

const said = async (call: Promise<unknown>) => {
  const { code, violations } = await failureOf(call);
  return [code, ...violations.map((v) => `${v.field} ${v.reason}: ${v.description}`)];
};
const contentOf = async ({ store }: Service) =>
  (await store.list("")).map(({ key, value, revision }) => `${key} ${revision} ${Buffer.from(value)}`);
const partsIn = ({ connections }: Service) => {
  const access = connections.get("main")?.access;
  return access && partsOf(access);
};

describe("configuring a connection", () => {
  test("stores it, durable, with its credential sealed and its server filled in", async () => {
    const { connection, warnings } = await service.configure(newConnection());
    expect(connection).toMatchObject({ id: "main", serverUrl: PLATFORM, revision: 1n });
    expect(connection.credential).toBeUndefined();
    expect(connection.credentialStatus).toMatchObject({
      kind: CredentialKind.JWT,
      fingerprint: fingerprint(service.connections.get("main")!.access!),
    });
    expect(warnings).toEqual([]);
    const restarted = await startConnections({ store: service.store });
    for (const of of [service, restarted]) {
      expect(of.connections.get("main")).toMatchObject({
        origin: PLATFORM,
        revision: 1n,
        invalid: "",
        message: connection,
      });
      expect(partsIn(of)).toEqual(["jwt", CLIENT_ID, CLIENT_SECRET, JWT]);
      expect(of.events).toEqual(["main 1"]);
    }
    for (const secret of [CLIENT_ID, CLIENT_SECRET, JWT])
      expect((await contentOf(service)).join()).not.toContain(secret);
  });

  test("counts revisions, keeps the time of creation and renews that of the update when it changes", async () => {
    const started = service.clock.now();
    await service.configure(newConnection());
    await service.clock.advance(60_000);
    const { connection } = await service.configure(connectionOf({ credential: bearerCredential(TOKEN) }));
    expect(connection.revision).toBe(2n);
    expect(timestampMs(connection.createTime!)).toBe(started);
    expect(timestampMs(connection.updateTime!)).toBe(started + 60_000);
    expect(partsIn(service)).toEqual(["bearer_token", TOKEN]);
  });

  test("writes nothing, tells nothing and keeps the revision when it is equal", async () => {
    const first = await service.configure(newConnection());
    const before = await contentOf(service);
    await service.clock.advance(1000);
    for (const again of [
      newConnection(),
      connectionOf(),
      connectionOf({ serverUrl: PLATFORM }),
      newConnection({ serverUrl: `${PLATFORM}/` }),
      newConnection({ credential: oauthCredential({ clientId: ` ${CLIENT_ID} ` }) }),
      { ...first.connection, revision: 77n, destinationCount: 7, lastError: "x" },
    ]) {
      expect(await service.configure(again, { expectedRevision: 1n })).toEqual(first);
    }
    expect(await contentOf(service)).toEqual(before);
    expect(service.events).toEqual(["main 1"]);
  });

  test("stores nothing when it is only to be checked, and answers as it would", async () => {
    const { connection } = await service.configure(newConnection(), { validateOnly: true });
    expect(connection).toMatchObject({ revision: 1n, credentialStatus: { kind: CredentialKind.JWT } });
    expect([await contentOf(service), service.events]).toEqual([[], []]);
    expect((await said(service.configure(connectionOf(), { validateOnly: true })))[0]).toBe("INVALID_ARGUMENT");
  });

  test("warns of a pasted token, which nobody renews", async () => {
    const { warnings } = await service.configure(newConnection({ credential: bearerCredential(TOKEN) }));
    expect(warnings).toMatchObject([{ field: "connection.credential.bearer_token", reason: "TOKEN_NOT_RENEWED" }]);
    expect((await service.configure(connectionOf())).warnings).toEqual(warnings);
  });

  test("refuses with every violation at once and stores nothing", async () => {
    const given = newConnection({ id: "a b", serverUrl: "https://x@y", credential: oauthCredential({ clientId: "" }) });
    expect(await said(service.configure(given))).toEqual([
      "INVALID_ARGUMENT",
      'connection.id INVALID_FORMAT: is "a b", expected ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$',
      `connection.server_url INVALID_FORMAT: is no bare origin, expected one like "${PLATFORM}"`,
      "connection.credential.oauth.client_id REQUIRED: is empty, expected the client id of the app",
    ]);
    expect(await said(service.configure(undefined))).toEqual([
      "INVALID_ARGUMENT",
      "connection REQUIRED: is absent, expected a connection",
    ]);
    const elsewhere = await failureOf(service.configure(newConnection({ serverUrl: "https://evil.example" })));
    expect(elsewhere.violations).toMatchObject([{ field: "connection.server_url", reason: "NOT_ALLOWED" }]);
    expect(await contentOf(service)).toEqual([]);
  });

  test("demands the credential that is absent when none is stored, or none for this origin", async () => {
    const demanded = (why: string) => [
      "INVALID_ARGUMENT",
      `connection.credential REQUIRED: is absent, and ${why}, expected a credential`,
    ];
    expect(await said(service.configure(connectionOf()))).toEqual(demanded("none is stored"));
    await service.configure(newConnection());
    const moved = connectionOf({ serverUrl: SIMULATOR });
    expect(await said(service.configure(moved))).toEqual(demanded(`the stored one is for "${PLATFORM}"`));
    expect(service.connections.get("main")?.origin).toBe(PLATFORM);
    await service.configure(newConnection({ serverUrl: SIMULATOR }));
    expect(service.connections.get("main")).toMatchObject({ origin: SIMULATOR, revision: 2n });
    await service.remove("main");
    expect(await said(service.configure(moved))).toEqual(demanded("none is stored"));
  });
});

describe("expected_revision of a connection", () => {
  test.each([[undefined], [0n]])("makes a new one when it is %s", async (expectedRevision) => {
    expect((await service.configure(newConnection(), { expectedRevision })).connection.revision).toBe(1n);
  });

  test("is ABORTED with the current one when it is any other", async () => {
    const missing = await failureOf(service.configure(newConnection(), { expectedRevision: 1n }));
    expect(missing).toMatchObject({
      code: "ABORTED",
      message: 'Cannot configure connection "main": its revision is 0, expected 1',
      metadata: { current_revision: "0" },
    });
    await service.configure(newConnection());
    for (const given of [newConnection(), connectionOf({ serverUrl: SIMULATOR })]) {
      const error = await failureOf(service.configure(given, { expectedRevision: 2n }));
      expect(error).toMatchObject({ code: "ABORTED", metadata: { current_revision: "1" } });
    }
    const wrong = await failureOf(service.configure(newConnection({ serverUrl: "x" }), { expectedRevision: 2n }));
    expect(wrong.code).toBe("INVALID_ARGUMENT");
    expect(service.events).toEqual(["main 1"]);
  });
});

describe("deleting a connection", () => {
  test("is NOT_FOUND when there is none, or none any more", async () => {
    const message = 'Cannot delete connection "main": it does not exist';
    service.users.push("sales");
    expect(await failureOf(service.remove("main"))).toMatchObject({ code: "NOT_FOUND", message });
    service.users.length = 0;
    await service.configure(newConnection());
    await service.remove("main");
    expect(await failureOf(service.remove("main"))).toMatchObject({ code: "NOT_FOUND", message });
    expect(service.events).toEqual(["main 1", "main deleted"]);
  });

  test("leaves nothing but the last revision, from which a new one counts on", async () => {
    await service.configure(newConnection());
    await service.configure(newConnection({ serverUrl: SIMULATOR }));
    await service.remove("main");
    expect(await contentOf(service)).toEqual(['connections/main 3 {"format":1,"deletedRevision":"2"}']);
    const restarted = await startConnections({ store: service.store });
    expect(restarted.connections.get("main")).toBeUndefined();
    expect((await restarted.configure(newConnection(), { expectedRevision: 0n })).connection.revision).toBe(3n);
  });

  test.each([
    [1, '1 destination uses it: "d0"'],
    [5, '5 destinations use it: "d0", "d1", "d2", "d3", "d4"'],
    [400, '400 destinations use it: "d0", "d1", "d2", "d3", "d4", and 395 more'],
  ])("is ABORTED and names up to five when %i destinations use it", async (count, state) => {
    await service.configure(newConnection());
    service.users.push(...Array.from({ length: count }, (_, i) => `d${i}`));
    expect(await failureOf(service.remove("main"))).toMatchObject({
      code: "ABORTED",
      message: `Cannot delete connection "main": ${state}`,
      metadata: { destination_count: String(count) },
    });
    expect(service.connections.get("main")).toBeDefined();
  });
});

test("no secret of a connection stands in a file, answer, error or print", async () => {
  const directory = mkdtempSync(join(tmpdir(), "connection-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const store = openSqlite(join(directory, "store.db"));
  const onDisk = await startConnections({ store });
  const seen: unknown[] = [];
  seen.push(await onDisk.configure(newConnection()));
  seen.push(await onDisk.configure(newConnection({ id: "" })).catch((error) => error));
  seen.push(await onDisk.configure(newConnection(), { expectedRevision: 9n }).catch((error) => error));
  seen.push(onDisk.connections.get("main"));
  for (const file of readdirSync(directory)) seen.push(readFileSync(join(directory, file)).toString("latin1"));
  await store.close();
  const text = seen
    .map((one) =>
      typeof one === "string" ? one : inspect(one, { depth: 20, showHidden: true, maxStringLength: null }),
    )
    .join("\n");
  expect(text).toContain("aes256gcm:");
  for (const secret of [CLIENT_SECRET, JWT]) {
    for (const form of [secret, Buffer.from(secret).toString("base64url"), Buffer.from(secret).toString("hex")]) {
      expect(text.includes(form)).toBe(false);
    }
  }
});

test("configuring and deleting are UNAVAILABLE when the store is down", async () => {
  await service.configure(newConnection());
  await service.store.close();

  expect(await failureOf(service.configure(newConnection()))).toMatchObject({ code: "UNAVAILABLE" });
  expect(await failureOf(service.remove("main"))).toMatchObject({ code: "UNAVAILABLE" });
});
