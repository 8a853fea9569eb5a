import { create, fromJson, type JsonValue, toJson } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Connection, ConnectionSchema } from "../../gen/availability/v1/connection_pb.ts";
import type { Keyring } from "../lib/sealing.ts";
import type { RecordKind } from "../stores/records.ts";
import { type Access, credentialStatus } from "./credentials.ts";
import { parseSealedAccess, resealAccess, type SealedAccess } from "./sealed-access.ts";

/** A connection as it is stored: the message without its credential, and the credential sealed. */
export interface ConnectionRecord {
  /** Its `server_url` is the origin, filled in. */
  readonly message: Connection;
  readonly credential: SealedAccess;
}

/** Connections are kept under `connections/<id>`. */
export const CONNECTION: RecordKind<ConnectionRecord> = {
  noun: "connection",
  prefix: "connections/",

  toJson: ({ message, credential }) => ({
    // By number: a value that only a newer release knows is then refused as such, where a name would be dropped.
    connection: toJson(ConnectionSchema, message, { enumAsInteger: true }),
    credential: { ...credential },
  }),

  fromJson: ({ connection, credential }) => ({
    message: fromJson(ConnectionSchema, connection as JsonValue, { ignoreUnknownFields: true }),
    credential: parseSealedAccess(credential),
  }),
};

/** What a connection's credential is sealed for, beside its origin. */
export function placeOf(id: string): string {
  return `${CONNECTION.prefix}${id} credential`;
}

/** The record with its credential sealed by the first key; undefined when it is so already, or does not open. */
export function resealConnection(record: ConnectionRecord, keyring: Keyring): ConnectionRecord | undefined {
  const credential = resealAccess(record.credential, placeOf(record.message.id), keyring);
  return credential && { ...record, credential };
}

/** The message as it is stored and read back; times in Unix milliseconds. */
export function storedForm(
  id: string,
  given: {
    origin: string;
    revision: bigint;
    createdAt: number;
    updatedAt: number;
    access: Access;
    fingerprint: string;
  },
): Connection {
  const { origin, revision, createdAt, updatedAt, access, fingerprint } = given;
  return create(ConnectionSchema, {
    id,
    serverUrl: origin,
    credentialStatus: credentialStatus(access, fingerprint),
    revision,
    createTime: timestampFromMs(Math.floor(createdAt)),
    updateTime: timestampFromMs(Math.floor(updatedAt)),
  });
}
