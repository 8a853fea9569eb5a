import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { create, toBinary } from "@bufbuild/protobuf";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { CredentialKind, CredentialSchema } from "../../gen/availability/v1/credential_pb.ts";
import { type Destination, DestinationSchema } from "../../gen/availability/v1/destination_pb.ts";
import type { ServiceError } from "../lib/errors.ts";
import { createKeyring } from "../lib/sealing.ts";
import { openSqlite } from "../stores/sqlite.ts";
import { type DestinationRecord, decodeRecord, encodeRecord } from "./record.ts";
import {
  bearer,
  destinationOf,
  fingerprint,
  keyOf,
  newDestination,
  OTHER_TOKEN,
  PLATFORM,
  SIMULATOR,
  startDestinations,
  TOKEN,
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
const tokenOf = (id = "sales") => service.registry.get(id)?.compiled?.access.token.reveal();
const recordOf = async (key = KEY) => decodeRecord((await service.store.get(key))!.value) as DestinationRecord;

const oauth = create(CredentialSchema, { kind: { case: "oauth", value: { clientSecret: TOKEN } } });

describe("the credential given to configure()", () => {
  test("is used without a pasted Bearer and shown as kind and fingerprint alone", async () => {
    const { destination, effective } = await service.configure(newDestination({}, bearer(` Bearer ${TOKEN}\n`)));
    expect(tokenOf()).toBe(TOKEN);
    for (const shown of [destination, effective, service.registry.get("sales")!.message]) {
      expect(shown.template.value).toMatchObject({
        access: { case: undefined },
        credentialStatus: {
          kind: CredentialKind.BEARER_TOKEN,
          fingerprint: fingerprint({
            kind: "bearer_token",
            token: service.registry.get("sales")!.compiled!.access.token,
          }),
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
      "credential REQUIRED: is empty, expected bearer_token",
    ],
    [
      "is an OAuth client",
      { access: { case: "credential", value: oauth } },
      "credential.oauth UNSUPPORTED: is set, not available yet, expected bearer_token",
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
    expect(tokenOf()).toBe(TOKEN);
    expect((await recordOf()).credential).toEqual(before.credential);
  });

  test("is demanded when the server is another, and the stored one then stays where it was", async () => {
    await service.configure(newDestination());
    const call = service.configure(destinationOf({}, { serverUrl: SIMULATOR }));
    expect(await refusalOf(call)).toEqual(demanded(`the stored one is for "${PLATFORM}"`));
    expect(service.registry.get("sales")?.compiled?.queue.origin).toBe(PLATFORM);
    await service.configure(destinationOf({}, { serverUrl: SIMULATOR, ...bearer(TOKEN) }));
    expect(tokenOf()).toBe(TOKEN);
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
    await service.store.put(KEY, encodeRecord({ ...record, credential }));
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
    await service.store.put(KEY, encodeRecord(record));
    const moved = await startDestinations({ store: service.store });
    expect(moved.registry.get("sales")).toMatchObject({
      compiled: undefined,
      invalid: "The stored credential is for another origin; configure it again",
    });
    // Nor when the origin beside the sealed text is changed too: it is sealed in.
    await service.store.put(KEY, encodeRecord({ ...record, credential: { ...record.credential, origin: SIMULATOR } }));
    const forged = await startDestinations({ store: service.store });
    expect(forged.registry.get("sales")).toMatchObject({
      compiled: undefined,
      invalid: "The stored credential cannot be opened; configure it again",
    });
  });

  test("stays readable, and as it is sealed, when another key comes first", async () => {
    await service.configure(newDestination());
    const rotated = await startDestinations({ store: service.store, keyring: createKeyring([keyOf(2), keyOf(1)]) });
    expect(rotated.registry.get("sales")?.compiled?.access.token.reveal()).toBe(TOKEN);
    await rotated.configure(destinationOf({}, bearer(OTHER_TOKEN)));
    const fresh = await startDestinations({ store: service.store, keyring: createKeyring([keyOf(2)]) });
    expect(fresh.registry.get("sales")?.compiled?.access.token.reveal()).toBe(OTHER_TOKEN);
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
