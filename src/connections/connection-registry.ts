import { create } from "@bufbuild/protobuf";
import { type Connection, ConnectionSchema } from "../../gen/availability/v1/connection_pb.ts";
import type { Keyring } from "../lib/sealing.ts";
import { Entries, type EntryListener } from "../stores/entries.ts";
import { RecordFollower } from "../stores/record-follower.ts";
import type { Tombstone, Unreadable } from "../stores/records.ts";
import { resealRecords } from "../stores/reseal.ts";
import type { Revision, Store } from "../stores/store.ts";
import { connectionInvalid } from "../telemetry/events.ts";
import { parseServerUrl } from "../templates/server-url.ts";
import type { Access } from "./credentials.ts";
import { CONNECTION, type ConnectionRecord, placeOf, resealConnection } from "./record.ts";
import { openIfPossible } from "./sealed-access.ts";

/** A connection as the service knows it: one credential at one server. */
export interface ConnectionEntry {
  readonly id: string;
  /** Rises whenever origin or credential change, and never otherwise. */
  readonly revision: bigint;
  /** The server's; "" when the stored connection cannot be read. */
  readonly origin: string;
  /** Undefined when the stored connection cannot be used; then `invalid` says why. */
  readonly access: Access | undefined;
  /** As configured: without secrets, and without what is only known while it runs. */
  readonly message: Connection;
  readonly invalid: string;
}

export type ConnectionListener = EntryListener<ConnectionEntry>;

export interface ConnectionRegistryDeps {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
}

/** ConnectionRegistry holds every connection with its credential opened, in step with the store. */
export class ConnectionRegistry {
  readonly #deps: ConnectionRegistryDeps;
  readonly #entries = new Entries<ConnectionEntry>();
  readonly #follower: RecordFollower<ConnectionRecord>;

  constructor(deps: ConnectionRegistryDeps) {
    this.#deps = deps;
    this.#follower = new RecordFollower({
      ...deps,
      kind: CONNECTION,
      told: (id, record, loading) => {
        if (record && "message" in record && this.#entries.isUpToDate(id, record.message.revision)) return;
        if (record) this.#entries.enter(this.#entryOf(id, record, loading));
        else this.#entries.forget(id);
      },
    });
  }

  /**
   * Loads every stored connection and follows the store from then on. One that cannot be used stops nothing; a secret
   * sealed with a key that is not given does, by SealingError.
   */
  async load(): Promise<void> {
    const { store, keyring } = this.#deps;
    await resealRecords(store, CONNECTION, keyring, (record) => resealConnection(record, keyring));
    await this.#follower.load();
  }

  get(connectionId: string): ConnectionEntry | undefined {
    return this.#entries.get(connectionId);
  }

  all(): IterableIterator<ConnectionEntry> {
    return this.#entries.all();
  }

  /** At most `size` connections in the order of ids, from the first id after `after`. */
  page(query: { after: string; size: number }): ConnectionEntry[] {
    return this.#entries.page(query);
  }

  /** Told of every change from now on. */
  subscribe(listener: ConnectionListener): () => void {
    return this.#entries.subscribe(listener);
  }

  /** Applies a record that was just written, so that whoever wrote it sees it at once. */
  apply(id: string, record: ConnectionRecord | Tombstone, revision: Revision): void {
    this.#follower.apply(id, record, revision);
  }

  close(): void {
    this.#follower.close();
    this.#entries.close();
  }

  #entryOf(id: string, record: ConnectionRecord | Unreadable, loading: boolean): ConnectionEntry {
    if ("unreadable" in record) {
      const { revision, unreadable } = record;
      const message = create(ConnectionSchema, { id, revision });
      return refused({ id, revision, origin: "", message }, `The stored connection cannot be read: ${unreadable}`);
    }
    const { message, credential } = record;
    const { allowList, keyring } = this.#deps;
    const access = openIfPossible(credential, placeOf(id), keyring, { mustHaveKey: loading });
    const { origin = "", violation } = parseServerUrl(message.serverUrl, { field: "connection.server_url", allowList });
    const base = { id, revision: message.revision, origin, message };
    if (violation)
      return refused(base, `The stored connection is not valid: ${violation.field} ${violation.description}`);
    // Never another origin than the one the credential was given for, whatever the record says.
    if (credential.origin !== origin) {
      return refused(base, "The stored credential is for another origin; configure the connection again");
    }
    if (!access) return refused(base, "The stored credential cannot be opened; configure the connection again");
    return { ...base, access, invalid: "" };
  }
}

function refused(base: Omit<ConnectionEntry, "access" | "invalid">, why: string): ConnectionEntry {
  connectionInvalid({ connectionId: base.id, message: why });
  return { ...base, access: undefined, invalid: why };
}
