import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Connection, ConnectionSchema } from "../../gen/availability/v1/connection_pb.ts";
import { type Credential, CredentialSchema, type OAuthClientSchema } from "../../gen/availability/v1/credential_pb.ts";
import { createKeyring } from "../lib/sealing.ts";
import { TestClock } from "../lib/test-clock.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { type ConfigureConnectionDeps, createConfigureConnection } from "./configure-connection.ts";
import { ConnectionRegistry } from "./connection-registry.ts";
import { type Access, partsOf } from "./credentials.ts";
import { createDeleteConnection } from "./delete-connection.ts";

export const PLATFORM = "https://platform.ringcentral.com";
export const SIMULATOR = "http://127.0.0.1:8081";
export const TOKEN = "U0pDMTFQMDFQQVMwMHxBQUFB-one";
export const OTHER_TOKEN = "U0pDMTFQMDFQQVMwMHxBQUFB-two";
export const CLIENT_ID = "8sKq2mP0Qx";
export const CLIENT_SECRET = "cl1ent-s3cret-9fA";
export const JWT = "eyJraWQiOiI4NzYy.eyJhdWQiOiJodHRwczov.sIgNaTuRe-one_-";

/** RingCentral and one other server. */
export const allowList = { allows: (origin: string) => origin === PLATFORM || origin === SIMULATOR };

export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

export function fingerprint(access: Access): string {
  return createHash("sha256")
    .update(JSON.stringify(partsOf(access)))
    .digest("hex")
    .slice(0, 12);
}

/** The token of a pasted one; fails for any other kind. */
export function tokenOf(access: { readonly kind: string } | undefined): string | undefined {
  if (access === undefined) return undefined;
  const { kind, token } = access as Extract<Access, { kind: "bearer_token" }>;
  if (kind !== "bearer_token") throw new Error(`the access is of the kind ${kind}`);
  return token.reveal();
}

/** Lets the watches of a store tell what they have. */
export async function changesTold(store: Store): Promise<void> {
  const watch = store.watch("", () => {});
  await watch.ready;
  watch.stop();
}

type Init<T> = Exclude<T, { $typeName: string }>;

export function bearerCredential(token: string): Credential {
  return create(CredentialSchema, { kind: { case: "bearerToken", value: token } });
}

/** An OAuth client with a JWT unless the fields say otherwise. */
export function oauthCredential(fields: Init<MessageInitShape<typeof OAuthClientSchema>> = {}): Credential {
  const grant = { case: "jwt", value: JWT } as const;
  const value = { clientId: CLIENT_ID, clientSecret: CLIENT_SECRET, grant, ...fields };
  return create(CredentialSchema, { kind: { case: "oauth", value } });
}

/** A connection without a credential. */
export function connectionOf(fields: Init<MessageInitShape<typeof ConnectionSchema>> = {}): Connection {
  return create(ConnectionSchema, { id: "main", ...fields });
}

/** A connection that a first ConfigureConnection takes. */
export function newConnection(fields: Init<MessageInitShape<typeof ConnectionSchema>> = {}): Connection {
  return connectionOf({ credential: oauthCredential(), ...fields });
}

/** A service's connections as they are after a start: on a store in memory unless `over` brings another. */
export async function startConnections(
  over: Partial<Omit<ConfigureConnectionDeps, "clock" | "connections">> & { clock?: TestClock } = {},
) {
  const clock = over.clock ?? new TestClock();
  const store: Store = over.store ?? openSqlite(":memory:");
  const deps = { store, keyring: createKeyring([keyOf(1)]), allowList, fingerprint, ...over, clock };
  const connections = new ConnectionRegistry(deps);
  const events: string[] = [];
  connections.subscribe({
    configured: ({ id, revision }) => events.push(`${id} ${revision}`),
    deleted: (id) => events.push(`${id} deleted`),
  });
  await connections.load();
  const configure = createConfigureConnection({ ...deps, connections });
  const users: string[] = [];
  return {
    ...deps,
    connections,
    /** What the registry told, in order. */
    events,
    /** The destinations that use any connection. */
    users,
    /** Configures with the request's other fields unset. */
    configure: (
      connection: Connection | undefined,
      request: { validateOnly?: boolean; expectedRevision?: bigint | undefined } = {},
    ) => configure({ validateOnly: false, expectedRevision: undefined, ...request, connection }),
    remove: createDeleteConnection({ store, connections, usersOf: () => users }),
  };
}
