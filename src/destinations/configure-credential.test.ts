import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { CredentialKind, CredentialSchema } from "../../gen/availability/v1/credential_pb.ts";
import {
  type Destination,
  DestinationSchema,
  type RingCentralTemplate,
} from "../../gen/availability/v1/destination_pb.ts";
import { type Access, partsOf } from "../connections/credentials.ts";
import { CLIENT_ID, CLIENT_SECRET, JWT, oauthCredential } from "../connections/test-connections.ts";
import { ServiceError } from "../lib/errors.ts";
import { createKeyring } from "../lib/sealing.ts";
import { Secret } from "../lib/secret.ts";
import { decodeRecord, encodeRecord } from "../stores/records.ts";
import { openSqlite } from "../stores/sqlite.ts";
import { DESTINATION, type DestinationRecord, type StoredCredential } from "./record.ts";
import {
  bearer,
  changesTold,
  destinationOf,
  fingerprint,
  keyOf,
  newDestination,
  OTHER_TOKEN,
  PLATFORM,
  SIMULATOR,
  startDestinations,
  TOKEN,
  tokenOf,
} from "./test-destinations.ts";

const KEY = "destinations/sales";

type Service = Awaited<ReturnType<typeof startDestinations>>;
let service: Service;
beforeEach(async () => {
  service = await startDestinations();
});

async function refusalOf(call: Promise<unknown>): Promise<string[]> {
  const error: ServiceError = await call.then(
    () => expect.unreachable("the call succeeded"),
    (failure) => failure,
  );
  expect(error.code).toBe("INVALID_ARGUMENT");
  return error.violations.map((v) => `${v.field} ${v.reason}: ${v.description}`);
}

const demanded = (why: string) => [
  `destination.ring_central.credential REQUIRED: is absent, and ${why}, expected a credential`,
];
const usedToken = (id = "sales") => tokenOf(service.registry.get(id)?.compiled?.access);
const recordOf = async (key = KEY) =>
  decodeRecord(DESTINATION, (await service.store.get(key))!.value) as DestinationRecord & {
    credential: StoredCredential;
  };

const oauth = (fields: Parameters<typeof oauthCredential>[0] = {}) =>
  ({ access: { case: "credential", value: oauthCredential(fields) } }) as const;

describe("the credential given to configure()", () => {
  test("is used without a pasted Bearer and shown as kind and fingerprint alone", async () => {
    const { destination, effective } = await service.configure(newDestination({}, bearer(` Bearer ${TOKEN}\n`)));
    expect(usedToken()).toBe(TOKEN);
    for (const shown of [destination, effective, service.registry.get("sales")!.message]) {
      expect(shown.template.value).toMatchObject({
        access: { case: undefined },
        credentialStatus: {
          kind: CredentialKind.BEARER_TOKEN,
          fingerprint: fingerprint({ kind: "bearer_token", token: new Secret(TOKEN) }),
        },
      });
    }
  });

  test.each<[string, Parameters<typeof newDestination>[1], string]>([
    ["is empty", bearer(""), "credential.bearer_token REQUIRED: is empty, expected an access token"],
    ["is the word alone", bearer("Bearer "), "credential.bearer_token REQUIRED: is empty, expected an access token"],
    [
      "holds a line break",
      bearer("a\nb"),
      "credential.bearer_token INVALID_FORMAT: has white space, control or non-ASCII characters inside, expected an access token",
    ],
    [
      "has no kind",
      { access: { case: "credential", value: create(CredentialSchema) } },
      "credential REQUIRED: is empty, expected one of bearer_token, oauth",
    ],
    [
      "is an OAuth client without an id",
      { access: { case: "credential", value: oauthCredential({ clientId: " " }) } },
      "credential.oauth.client_id REQUIRED: is empty, expected the client id of the app",
    ],
  ])("is refused when it %s", async (_, template, said) => {
    const given = newDestination({}, template);
    expect(await refusalOf(service.configure(given))).toEqual([`destination.ring_central.${said}`]);
    expect(await service.store.list("")).toEqual([]);
  });

  test("has another fingerprint when it is another, and the same when it is kept", async () => {
    const shown = async (given: Destination) => {
      const { destination } = await service.configure(given);
      return destination.template.case === "ringCentral" && destination.template.value.credentialStatus?.fingerprint;
    };
    const first = await shown(newDestination());
    expect(await shown(destinationOf({ disabled: true }))).toBe(first);
    const second = await shown(destinationOf({}, bearer(OTHER_TOKEN)));
    expect(second).not.toBe(first);
    expect(second).toMatch(/^[0-9a-f]{12}$/);
    expect(await shown(destinationOf({}, bearer(TOKEN)))).toBe(first);
  });
});

describe("an OAuth client given to configure()", () => {
  const used = (of: Service = service) => of.registry.get("sales")?.compiled?.access;
  const expected = {
    kind: "jwt",
    clientId: CLIENT_ID,
    clientSecret: new Secret(CLIENT_SECRET),
    grant: new Secret(JWT),
  } as const;

  test("is sealed whole, opens after a restart and is shown as kind and fingerprint alone", async () => {
    const { destination } = await service.configure(newDestination({}, oauth()));
    for (const of of [service, await startDestinations({ store: service.store })]) {
      expect(partsOf(used(of) as Access)).toEqual(partsOf(expected));
    }
    const { credentialStatus } = destination.template.value as RingCentralTemplate;
    expect(credentialStatus).toMatchObject({ kind: CredentialKind.JWT, fingerprint: fingerprint(expected) });
    const { value } = (await service.store.get(KEY))!;
    for (const part of [CLIENT_ID, CLIENT_SECRET, JWT]) expect(Buffer.from(value).includes(part)).toBe(false);
  });

  test("is kept when it is absent, and another when any part of it is", async () => {
    await service.configure(newDestination({}, oauth()));
    expect((await service.configure(destinationOf())).destination.revision).toBe(1n);
    expect((await service.configure(destinationOf({}, oauth()))).destination.revision).toBe(1n);
    const others = [
      oauth({ clientId: "other" }),
      oauth({ clientSecret: "" }),
      oauth({ grant: { case: "jwt", value: "a.b.c" } }),
      oauth({ grant: { case: "refreshToken", value: "a.b.c" } }),
      oauth({ grant: { case: "clientCredentials", value: {} } }),
      bearer(TOKEN),
    ];
    for (const [index, template] of others.entries()) {
      const { destination } = await service.configure(destinationOf({}, template));
      expect(destination.revision).toBe(BigInt(index + 2));
      expect(service.registry.get("sales")?.templateRevision).toBe(BigInt(index + 2));
    }
  });

  test("never opens as a token, nor a token as a client, when the record's kind is changed", async () => {
    for (const [template, kind] of [
      [oauth(), "bearer_token"],
      [oauth(), "refresh_token"],
      [bearer(TOKEN), "jwt"],
    ] as const) {
      await service.configure(destinationOf({}, template));
      const record = await recordOf();
      await service.store.put(
        KEY,
        encodeRecord(DESTINATION, { ...record, credential: { ...record.credential, kind } }),
      );
      const forged = await startDestinations({ store: service.store });
      expect(forged.registry.get("sales")).toMatchObject({
        compiled: undefined,
        invalid: "The stored credential cannot be opened; configure it again",
      });
    }
  });
});

describe("an absent credential", () => {
  test("is demanded when the destination is new", async () => {
    expect(await refusalOf(service.configure(destinationOf()))).toEqual(demanded("none is stored"));
  });

  test("is demanded when the destination was deleted", async () => {
    await service.configure(newDestination());
    await service.remove("sales");
    expect(await refusalOf(service.configure(destinationOf()))).toEqual(demanded("none is stored"));
  });

  test("keeps the stored one when all but the place changes", async () => {
    await service.configure(newDestination());
    const before = await recordOf();
    const others = { callQueueId: "9", onlyExtensions: ["101"], accountId: "~", serverUrl: `${PLATFORM}/` };
    await service.configure(destinationOf({ displayName: "x", disabled: true }, others));
    expect(usedToken()).toBe(TOKEN);
    expect((await recordOf()).credential).toEqual(before.credential);
  });

  test("is demanded when the server is another, and the stored one then stays where it was", async () => {
    await service.configure(newDestination());
    const call = service.configure(destinationOf({}, { serverUrl: SIMULATOR }));
    expect(await refusalOf(call)).toEqual(demanded(`the stored one is for "${PLATFORM}"`));
    expect(service.registry.get("sales")?.compiled?.queue.origin).toBe(PLATFORM);
    await service.configure(destinationOf({}, { serverUrl: SIMULATOR, ...bearer(TOKEN) }));
    expect(usedToken()).toBe(TOKEN);
    expect((await recordOf()).credential.origin).toBe(SIMULATOR);
  });

  test("is demanded when the account is another", async () => {
    await service.configure(newDestination());
    const call = service.configure(destinationOf({}, { accountId: "7" }));
    expect(await refusalOf(call)).toEqual(demanded('the stored one is for account "~"'));
  });

  test("is demanded along with everything else that is wrong", async () => {
    await service.configure(newDestination());
    const call = service.configure(destinationOf({ timeout: { seconds: 61n } }, { serverUrl: SIMULATOR }));
    expect((await refusalOf(call)).map((text) => text.split(":")[0])).toEqual([
      "destination.timeout OUT_OF_RANGE",
      "destination.ring_central.credential REQUIRED",
    ]);
  });

  test("is demanded when the stored one does not open", async () => {
    await service.configure(newDestination());
    const other = await startDestinations({ store: service.store, keyring: createKeyring([keyOf(1)]) });
    const record = await recordOf();
    const credential = { ...record.credential, sealed: record.credential.sealed.slice(0, -6) };
    await service.store.put(KEY, encodeRecord(DESTINATION, { ...record, credential }));
    expect(await refusalOf(other.configure(destinationOf()))).toEqual(demanded("the stored one cannot be opened"));
    expect((await other.configure(newDestination())).destination.revision).toBe(2n);
  });
});

describe("a stored credential", () => {
  test("opens for its destination alone when a record is moved", async () => {
    await service.configure(newDestination());
    await service.store.put("destinations/theirs", (await service.store.get(KEY))!.value);
    const restarted = await startDestinations({ store: service.store });
    expect(restarted.registry.get("sales")?.compiled).toBeDefined();
    expect(restarted.registry.get("theirs")).toMatchObject({
      compiled: undefined,
      invalid: "The stored credential cannot be opened; configure it again",
    });
    const call = restarted.configure(destinationOf({ id: "theirs" }));
    expect(await refusalOf(call)).toEqual(demanded("the stored one cannot be opened"));
  });

  test("is never used for another origin when the record names one", async () => {
    await service.configure(newDestination());
    const record = await recordOf();
    const template = record.message.template.value as { serverUrl: string };
    template.serverUrl = SIMULATOR;
    await service.store.put(KEY, encodeRecord(DESTINATION, record));
    const moved = await startDestinations({ store: service.store });
    expect(moved.registry.get("sales")).toMatchObject({
      compiled: undefined,
      invalid: "The stored credential is for another origin; configure it again",
    });
    // Nor when the origin beside the sealed text is changed too: it is sealed in.
    await service.store.put(
      KEY,
      encodeRecord(DESTINATION, { ...record, credential: { ...record.credential, origin: SIMULATOR } }),
    );
    const forged = await startDestinations({ store: service.store });
    expect(forged.registry.get("sales")).toMatchObject({
      compiled: undefined,
      invalid: "The stored credential cannot be opened; configure it again",
    });
  });

  test("is sealed with the first key by the next start, so that the older one can go", async () => {
    const { store } = service;
    await service.configure(newDestination());
    await service.configure(newDestination({ id: "client" }, oauth()));
    await service.configure(newDestination({ id: "gone" }));
    await service.remove("gone");
    const rotated = await startDestinations({ store, keyring: createKeyring([keyOf(2), keyOf(1)]) });
    // Who runs with the older key alone goes on with what is known.
    await changesTold(store);
    expect(usedToken()).toBe(TOKEN);
    expect(rotated.events).toEqual(expect.arrayContaining(["sales 1", "client 1"]));
    const fresh = await startDestinations({ store, keyring: createKeyring([keyOf(2)]) });
    expect(tokenOf(fresh.registry.get("sales")?.compiled?.access)).toBe(TOKEN);
    expect(fresh.registry.get("client")?.compiled?.access).toMatchObject({ kind: "jwt", clientId: CLIENT_ID });
    const put = vi.spyOn(store, "put");
    await startDestinations({ store, keyring: createKeyring([keyOf(2), keyOf(1)]) });
    expect(put).not.toHaveBeenCalled();
  });

  test("stays as it is, and in use, when it cannot be sealed again", async () => {
    await service.configure(newDestination());
    vi.spyOn(service.store, "put").mockRejectedValueOnce(new ServiceError("UNAVAILABLE", "disk full"));
    const keyring = createKeyring([keyOf(2), keyOf(1)]);
    const rotated = await startDestinations({ store: service.store, keyring });
    expect(tokenOf(rotated.registry.get("sales")?.compiled?.access)).toBe(TOKEN);
    expect((await recordOf()).credential.sealed).toContain(createKeyring([keyOf(1)]).keyIds[0]);
  });

  test("stands in no file, answer, error or print", async () => {
    const directory = mkdtempSync(join(tmpdir(), "configure-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const store = openSqlite(join(directory, "store.db"));
    const onDisk = await startDestinations({ store });
    const texts: unknown[] = [];
    texts.push(await onDisk.configure(newDestination()));
    texts.push(await onDisk.configure(newDestination({ disabled: true }, bearer(OTHER_TOKEN))));
    texts.push(await onDisk.configure(newDestination({ id: "" }), {}).catch((error) => error));
    texts.push(await onDisk.configure(newDestination({}, bearer(`${TOKEN} ${OTHER_TOKEN}`))).catch((error) => error));
    texts.push(await onDisk.configure(newDestination(), { expectedRevision: 9n }).catch((error) => error));
    texts.push(onDisk.registry.get("sales"));
    texts.push(toBinary(DestinationSchema, onDisk.registry.get("sales")!.message));
    for (const file of readdirSync(directory)) texts.push(readFileSync(join(directory, file)).toString("latin1"));
    await store.close();
    expect(readdirSync(directory)).toEqual(["store.db"]);
    texts.push(readFileSync(join(directory, "store.db")).toString("latin1"));
    for (const text of texts) {
      const spelled =
        typeof text === "string" ? text : inspect(text, { depth: 20, showHidden: true, maxStringLength: null });
      const bytes = text instanceof Uint8Array ? Buffer.from(text).toString("latin1") : "";
      for (const token of [TOKEN, OTHER_TOKEN]) {
        for (const form of [token, Buffer.from(token).toString("base64url"), Buffer.from(token).toString("hex")]) {
          expect(spelled.includes(form) || bytes.includes(form)).toBe(false);
        }
      }
    }
    // The record itself was among what was looked through.
    expect(texts.at(-1)).toContain('"sealed":"aes256gcm:');
  });
});
