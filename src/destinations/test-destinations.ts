import { createHash } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CredentialSchema } from "../../gen/availability/v1/credential_pb.ts";
import {
  type Destination,
  DestinationSchema,
  RingCentralTemplateSchema,
} from "../../gen/availability/v1/destination_pb.ts";
import { createKeyring } from "../lib/sealing.ts";
import { TestClock } from "../lib/test-clock.ts";
import { openSqlite } from "../stores/sqlite.ts";
import type { Store } from "../stores/store.ts";
import { type ConfigureDeps, createConfigure } from "./configure.ts";
import type { Access } from "../connections/credentials.ts";
import { createDelete } from "./delete.ts";
import { Registry } from "./registry.ts";

export const PLATFORM = "https://platform.ringcentral.com";
export const SIMULATOR = "http://127.0.0.1:8081";
export const TOKEN = "U0pDMTFQMDFQQVMwMHxBQUFB-one";
export const OTHER_TOKEN = "U0pDMTFQMDFQQVMwMHxBQUFB-two";

/** RingCentral and one other server. */
export const allowList = { allows: (origin: string) => origin === PLATFORM || origin === SIMULATOR };

type Init<T> = Exclude<T, { $typeName: string }>;
type Template = Init<MessageInitShape<typeof RingCentralTemplateSchema>>;
type Rest = Omit<Init<MessageInitShape<typeof DestinationSchema>>, "template">;

/** A destination that compiles, without a credential unless `template` gives one. */
export function destinationOf(rest: Rest = {}, template: Template = {}): Destination {
  const value = create(RingCentralTemplateSchema, template);
  value.callQueueId = template.callQueueId ?? "400123";
  return create(DestinationSchema, { id: "sales", ...rest, template: { case: "ringCentral", value } });
}

export function bearer(token: string): Template {
  const value = create(CredentialSchema, { kind: { case: "bearerToken", value: token } });
  return { access: { case: "credential", value } };
}

/** A destination that a first Configure takes. */
export function newDestination(rest: Rest = {}, template: Template = {}): Destination {
  return destinationOf(rest, { ...bearer(TOKEN), ...template });
}

export function keyOf(byte: number): Uint8Array {
  return new Uint8Array(32).fill(byte);
}

export function fingerprint(access: Access): string {
  return createHash("sha256").update(access.token.reveal()).digest("hex").slice(0, 12);
}

/** A service's destinations as they are after a start: on a store in memory unless `over` brings another. */
export async function startDestinations(over: Partial<Omit<ConfigureDeps, "clock" | "registry">> = {}) {
  const clock = new TestClock();
  const store: Store = over.store ?? openSqlite(":memory:");
  const deps = { store, keyring: createKeyring([keyOf(1)]), allowList, fingerprint, clock, ...over };
  const registry = new Registry(deps);
  const events: string[] = [];
  registry.subscribe({
    configured: ({ id, revision }) => events.push(`${id} ${revision}`),
    deleted: (id) => events.push(`${id} deleted`),
  });
  await registry.load();
  const configure = createConfigure({ ...deps, registry });
  return {
    ...deps,
    registry,
    /** What the registry told, in order. */
    events,
    /** Configures with the request's other fields unset. */
    configure: (
      destination: Destination | undefined,
      request: { validateOnly?: boolean; expectedRevision?: bigint | undefined } = {},
    ) => configure({ validateOnly: false, expectedRevision: undefined, ...request, destination }),
    remove: createDelete({ ...deps, registry }),
  };
}
