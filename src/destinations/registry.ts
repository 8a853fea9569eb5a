import { create } from "@bufbuild/protobuf";
import { type Destination, DestinationSchema } from "../../gen/availability/v1/destination_pb.ts";
import type { ConnectionRegistry } from "../connections/connection-registry.ts";
import { openIfPossible } from "../connections/sealed-access.ts";
import type { ServiceError } from "../lib/errors.ts";
import type { Keyring } from "../lib/sealing.ts";
import { notFound as notFoundIn } from "../stores/change-record.ts";
import { Entries, type EntryListener } from "../stores/entries.ts";
import { RecordFollower } from "../stores/record-follower.ts";
import type { Tombstone, Unreadable } from "../stores/records.ts";
import { resealRecords } from "../stores/reseal.ts";
import type { Revision, Store } from "../stores/store.ts";
import { destinationInvalid } from "../telemetry/events.ts";
import type { DestinationAccess } from "./access.ts";
import { type CompiledDestination, compileDestination } from "./compile.ts";
import { ConnectionUsers } from "./connection-users.ts";
import { Proofs } from "./proofs.ts";
import { connectionIdOf, DESTINATION, type DestinationRecord, placeOf, resealDestination } from "./record.ts";
import { hasLabels } from "./selection.ts";

/** A compiled destination, and how RingCentral is told who asks. */
export type AskableDestination = CompiledDestination & { readonly access: DestinationAccess };

/** A destination as the service knows it. Times, secrets and its connection aside, everything comes from its record. */
export interface DestinationEntry {
  readonly id: string;
  readonly revision: bigint;
  readonly labels: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  /** As read back: output-only fields filled in, no secrets. */
  readonly message: Destination;
  /** Undefined when the stored destination cannot be asked about; then `invalid` says why. */
  readonly compiled: AskableDestination | undefined;
  readonly invalid: string;
  /** The revision at which the template or the destination's own credential last changed. */
  readonly templateRevision: bigint;
  /** The revision of its connection, whose credential changed then; 0 with a credential of its own. */
  readonly credentialRevision: bigint;
  /** There was a real verdict since template or credential changed. */
  readonly proven: boolean;
}

export type RegistryListener = EntryListener<DestinationEntry>;

export interface RegistryDeps {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
  readonly connections: Pick<ConnectionRegistry, "get" | "subscribe">;
}

/** Registry holds every destination compiled, in step with the store and with the connections. */
export class Registry {
  readonly #deps: RegistryDeps;
  readonly #entries = new Entries<DestinationEntry>();
  readonly #follower: RecordFollower<DestinationRecord>;
  readonly #users = new ConnectionUsers();
  readonly #proofs: Proofs;
  #unsubscribe = () => {};

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
    this.#proofs = new Proofs(deps);
    this.#follower = new RecordFollower({
      ...deps,
      kind: DESTINATION,
      told: (id, record, loading) => this.#follow(id, record, loading),
    });
  }

  /**
   * Loads every stored destination and follows the store from then on; the connections are loaded before. One that no
   * longer compiles stops nothing; a secret sealed with a key that is not given does, by SealingError.
   */
  async load(): Promise<void> {
    const { store, keyring, connections } = this.#deps;
    await this.#proofs.load();
    await resealRecords(store, DESTINATION, keyring, (record) => resealDestination(record, keyring));
    const again = (connectionId: string) => {
      for (const [id, record] of this.#users.of(connectionId)) this.#entries.enter(this.#compile(id, record, false));
    };
    this.#unsubscribe = connections.subscribe({ configured: ({ id }) => again(id), deleted: again });
    await this.#follower.load();
  }

  get(destinationId: string): DestinationEntry | undefined {
    return this.#entries.get(destinationId);
  }

  all(): IterableIterator<DestinationEntry> {
    return this.#entries.all();
  }

  /** The ids of the destinations that ask over a connection, in order. */
  usersOf(connectionId: string): string[] {
    return [...this.#users.of(connectionId).keys()].sort();
  }

  /** At most `size` destinations that the selector selects, in the order of ids, from the first id after `after`. */
  page(query: { selector: Readonly<Record<string, string>>; after: string; size: number }): DestinationEntry[] {
    return this.#entries.page(query, ({ labels }) => hasLabels(labels, query.selector));
  }

  /** Told of every change from now on. */
  subscribe(listener: RegistryListener): () => void {
    return this.#entries.subscribe(listener);
  }

  /** Applies a record that was just written, so that whoever wrote it sees it at once. */
  apply(id: string, record: DestinationRecord | Tombstone, revision: Revision): void {
    this.#follower.apply(id, record, revision);
  }

  /** Remembers, over restarts, that a destination gave a real verdict with its present template and credential. */
  async prove(entry: DestinationEntry): Promise<void> {
    await this.#proofs.prove(entry);
  }

  close(): void {
    this.#unsubscribe();
    this.#follower.close();
    this.#entries.close();
  }

  #follow(id: string, record: DestinationRecord | Unreadable | undefined, loading: boolean): void {
    if (record && "message" in record && this.#entries.isUpToDate(id, record.message.revision)) return;
    this.#users.enter(id, record && "message" in record ? record : undefined);
    if (!record) this.#entries.forget(id);
    else this.#entries.enter("unreadable" in record ? unreadable(id, record) : this.#compile(id, record, loading));
  }

  #compile(id: string, record: DestinationRecord, loading: boolean): DestinationEntry {
    const { message, templateRevision, credential } = record;
    const { revision, labels, disabled } = message;
    const connectionId = connectionIdOf(message);
    const connection = connectionId === undefined ? undefined : this.#deps.connections.get(connectionId);
    const standing = { id, templateRevision, credentialRevision: connection?.revision ?? 0n };
    const base = { ...standing, revision, labels, disabled, message, proven: this.#proofs.holds(standing) };
    const own = openIfPossible(credential, placeOf(id), this.#deps.keyring, { mustHaveKey: loading });
    const result = compileDestination(message, this.#deps);
    if ("violations" in result) {
      const all = result.violations.map(({ field, description }) => `${field} ${description}`).join("; ");
      return refused(base, `The stored destination no longer compiles: ${all}`);
    }
    const { compiled } = result;
    if (connectionId !== undefined) {
      return { ...base, compiled: { ...compiled, access: { kind: "connection", connectionId } }, invalid: "" };
    }
    // Never another origin than the one the credential was given for, whatever the record says.
    if (credential?.origin !== compiled.queue.origin) {
      return refused(base, "The stored credential is for another origin; configure it again");
    }
    if (!own) return refused(base, "The stored credential cannot be opened; configure it again");
    return { ...base, compiled: { ...compiled, access: own }, invalid: "" };
  }
}

function refused(base: Omit<DestinationEntry, "compiled" | "invalid">, why: string): DestinationEntry {
  destinationInvalid({ destinationId: base.id, message: why });
  return { ...base, compiled: undefined, invalid: why };
}

function unreadable(id: string, { revision, unreadable: why }: Unreadable): DestinationEntry {
  const message = create(DestinationSchema, { id, revision });
  const standing = { templateRevision: 0n, credentialRevision: 0n, proven: false };
  const base = { ...standing, id, revision, labels: {}, disabled: false, message };
  return refused(base, `The stored destination cannot be read: ${why}`);
}

/** The error for an id that names no destination. */
export function notFound(action: string, destinationId: string): ServiceError {
  return notFoundIn(action, DESTINATION.noun, destinationId);
}
