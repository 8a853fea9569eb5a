import { clone, create, equals, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { CredentialStatusSchema } from "../../gen/availability/v1/credential_pb.ts";
import { type Destination, DestinationSchema } from "../../gen/availability/v1/destination_pb.ts";
import type { Keyring, Sealed } from "../lib/sealing.ts";
import { Secret } from "../lib/secret.ts";
import { type Access, credentialKind } from "../connections/credentials.ts";

/** Where destinations are kept: `destinations/<id>`. */
export const DESTINATIONS = "destinations/";

/** A credential, sealed for one destination and the origin it was given for; it opens nowhere else. */
export interface StoredCredential {
  readonly kind: Access["kind"];
  readonly sealed: Sealed;
  readonly origin: string;
  readonly accountId: string;
}

/** A destination as it is stored: the message without its credential, and the credential sealed. */
export interface DestinationRecord {
  readonly message: Destination;
  readonly credential: StoredCredential;
  /** The revision at which template or credential last changed. */
  readonly templateRevision: bigint;
}

/** A record that this release cannot read; `revision` is its last one as far as that can be seen. */
export interface Unreadable {
  readonly unreadable: string;
  readonly revision: bigint;
}

/** What stays of a deleted destination, for good: a new one of its id counts on from this revision. */
export interface Tombstone {
  readonly deletedRevision: bigint;
}

// Written with every record; a record of a newer format is refused rather than misread.
const FORMAT = 1;

export function encodeRecord(record: DestinationRecord | Tombstone): Uint8Array {
  const json: JsonValue =
    "deletedRevision" in record
      ? { format: FORMAT, deletedRevision: record.deletedRevision.toString() }
      : {
          format: FORMAT,
          // By number: a value that only a newer release knows is then refused as such, where a name would be dropped.
          destination: toJson(DestinationSchema, record.message, { enumAsInteger: true }),
          templateRevision: record.templateRevision.toString(),
          credential: { ...record.credential },
        };
  return Buffer.from(JSON.stringify(json));
}

/** Reads what encodeRecord() wrote. */
export function decodeRecord(bytes: Uint8Array): DestinationRecord | Tombstone | Unreadable {
  let json: Record<string, unknown> = {};
  try {
    json = Object(JSON.parse(Buffer.from(bytes).toString()));
    if (json.format !== FORMAT) throw new Error(`its format is ${String(json.format)}, expected ${FORMAT}`);
    if (typeof json.deletedRevision === "string") return { deletedRevision: BigInt(json.deletedRevision) };
    return {
      // A newer release's fields are dropped with the next Configure; until then they must not make it unreadable.
      message: fromJson(DestinationSchema, json.destination as JsonValue, { ignoreUnknownFields: true }),
      credential: parseStored(json.credential),
      templateRevision: BigInt(String(json.templateRevision)),
    };
  } catch (error) {
    const unreadable = error instanceof Error ? error.message : String(error);
    const { revision } = Object(json.destination) as { revision?: unknown };
    const last = Number(revision ?? json.deletedRevision);
    return { unreadable, revision: Number.isSafeInteger(last) && last > 0 ? BigInt(last) : 0n };
  }
}

function parseStored(credential: unknown): StoredCredential {
  const { kind, sealed, origin, accountId } = Object(credential) as Record<string, unknown>;
  if (kind !== "bearer_token") throw new Error(`its credential is of the kind ${String(kind)}, expected bearer_token`);
  if (typeof sealed !== "string" || typeof origin !== "string" || typeof accountId !== "string") {
    throw new Error("its credential is not whole");
  }
  return { kind, sealed, origin, accountId };
}

/** Seals a credential for one destination and the queue's origin. */
export function sealAccess(
  access: Access,
  id: string,
  queue: { origin: string; accountId: string },
  keyring: Keyring,
): StoredCredential {
  const { origin, accountId } = queue;
  const sealed = keyring.seal(new Secret(access.token.reveal()), sealingContext(id, origin));
  return { kind: access.kind, sealed, origin, accountId };
}

/** Opens what sealAccess() sealed; throws SealingError. */
export function openAccess(credential: StoredCredential, id: string, keyring: Keyring): Access {
  return { kind: credential.kind, token: keyring.open(credential.sealed, sealingContext(id, credential.origin)) };
}

/** What a caller configured: without output-only fields and without the credential. */
export function configuredForm(destination: Destination): Destination {
  const form = clone(DestinationSchema, destination);
  form.revision = 0n;
  form.createTime = undefined;
  form.updateTime = undefined;
  form.override = undefined;
  if (form.template.case === "ringCentral") {
    const template = form.template.value;
    template.credentialStatus = undefined;
    if (template.access.case === "credential") template.access = { case: undefined };
  }
  return form;
}

export function sameConfiguration(a: Destination, b: Destination): boolean {
  return equals(DestinationSchema, configuredForm(a), configuredForm(b));
}

/** Whether the templates are the same, their credentials aside. */
export function sameTemplate(a: Destination, b: Destination): boolean {
  const templateOf = (of: Destination) => create(DestinationSchema, { template: configuredForm(of).template });
  return equals(DestinationSchema, templateOf(a), templateOf(b));
}

/** The message as it is stored and read back. */
export function storedForm(
  destination: Destination,
  given: { revision: bigint; createdAt: number; updatedAt: number; access: Access; fingerprint: string },
): Destination {
  const form = configuredForm(destination);
  form.revision = given.revision;
  form.createTime = timestampFromMs(Math.floor(given.createdAt));
  form.updateTime = timestampFromMs(Math.floor(given.updatedAt));
  if (form.template.case === "ringCentral") {
    form.template.value.credentialStatus = create(CredentialStatusSchema, {
      kind: credentialKind(given.access),
      fingerprint: given.fingerprint,
    });
  }
  return form;
}

function sealingContext(id: string, origin: string): string {
  return `${DESTINATIONS}${id} ring_central.credential ${origin}`;
}
