import { clone, create, equals, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { CredentialStatus } from "../../gen/availability/v1/credential_pb.ts";
import { type Destination, DestinationSchema } from "../../gen/availability/v1/destination_pb.ts";
import { parseSealedAccess, resealAccess, type SealedAccess } from "../connections/sealed-access.ts";
import type { Keyring } from "../lib/sealing.ts";
import type { RecordKind } from "../stores/records.ts";

/** A credential, sealed for one destination and the origin it was given for, and the account it is for. */
export interface StoredCredential extends SealedAccess {
  readonly accountId: string;
}

/** A destination as it is stored: the message without its credential, and the credential sealed. */
export interface DestinationRecord {
  readonly message: Destination;
  /** Undefined with a connection, which has the credential. */
  readonly credential: StoredCredential | undefined;
  /** The revision at which template or credential last changed. */
  readonly templateRevision: bigint;
}

/** Destinations are kept under `destinations/<id>`. */
export const DESTINATION: RecordKind<DestinationRecord> = {
  noun: "destination",
  prefix: "destinations/",

  toJson: ({ message, templateRevision, credential }) => ({
    // By number: a value that only a newer release knows is then refused as such, where a name would be dropped.
    destination: toJson(DestinationSchema, message, { enumAsInteger: true }),
    templateRevision: templateRevision.toString(),
    ...(credential && { credential: { ...credential } }),
  }),

  fromJson(json) {
    // A newer release's fields are dropped with the next Configure; until then they must not make it unreadable.
    const message = fromJson(DestinationSchema, json.destination as JsonValue, { ignoreUnknownFields: true });
    return {
      message,
      credential: connectionIdOf(message) === undefined ? parseStored(json.credential) : undefined,
      templateRevision: BigInt(String(json.templateRevision)),
    };
  },
};

function parseStored(json: unknown): StoredCredential {
  const sealed = parseSealedAccess(json);
  const { accountId } = Object(json) as Record<string, unknown>;
  if (typeof accountId !== "string") throw new Error("its credential is not whole");
  return { ...sealed, accountId };
}

/** The connection that a destination asks over; undefined when it has a credential of its own. */
export function connectionIdOf({ template }: Destination): string | undefined {
  if (template.case !== "ringCentral" || template.value.access.case !== "connectionId") return undefined;
  return template.value.access.value;
}

/** What a destination's own credential is sealed for, beside its origin. */
export function placeOf(id: string): string {
  return `${DESTINATION.prefix}${id} ring_central.credential`;
}

/** The record with its credential sealed by the first key; undefined when there is nothing to do, or it does not open. */
export function resealDestination(record: DestinationRecord, keyring: Keyring): DestinationRecord | undefined {
  const credential = record.credential && resealAccess(record.credential, placeOf(record.message.id), keyring);
  return credential && { ...record, credential };
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
  given: { revision: bigint; createdAt: number; updatedAt: number; credentialStatus: CredentialStatus | undefined },
): Destination {
  const form = configuredForm(destination);
  form.revision = given.revision;
  form.createTime = timestampFromMs(Math.floor(given.createdAt));
  form.updateTime = timestampFromMs(Math.floor(given.updatedAt));
  if (form.template.case === "ringCentral") form.template.value.credentialStatus = given.credentialStatus;
  return form;
}
