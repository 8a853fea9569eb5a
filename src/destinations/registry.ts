import { create } from "@bufbuild/protobuf";
import { type Destination, DestinationSchema } from "../../gen/availability/v1/destination_pb.ts";
import { ServiceError } from "../lib/errors.ts";
import { type Keyring, SealingError } from "../lib/sealing.ts";
import type { Change, Revision, Store, StoreWatch } from "../stores/store.ts";
import { destinationInvalid } from "../telemetry/events.ts";
import { log } from "../telemetry/log.ts";
import { type CompiledDestination, compileDestination } from "./compile.ts";
import type { Access } from "../connections/credentials.ts";
import {
  DESTINATIONS,
  type DestinationRecord,
  decodeRecord,
  openAccess,
  type Tombstone,
  type Unreadable,
} from "./record.ts";
import { hasLabels } from "./selection.ts";

/** A compiled destination with its credential. */
export type AskableDestination = CompiledDestination & { readonly access: Access };

/** A destination as the service knows it. Times and secrets aside, everything comes from its record. */
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
  readonly templateRevision: bigint;
  /** There was a real verdict since template or credential changed. */
  readonly proven: boolean;
}

export interface RegistryListener {
  configured(entry: DestinationEntry): void;
  deleted(destinationId: string): void;
}

export interface RegistryDeps {
  readonly store: Store;
  readonly keyring: Keyring;
  readonly allowList: { allows(origin: string): boolean };
}

// Where it is remembered that a destination gave a real verdict: `proven/<id>` holds its template revision.
const PROVEN = "proven/";

/** Registry holds every destination compiled, in step with the store. */
export class Registry {
  readonly #deps: RegistryDeps;
  readonly #entries = new Map<string, DestinationEntry>();
  /** The newest store revision applied per destination, so that no echo of an older write undoes a newer one. */
  readonly #applied = new Map<string, Revision>();
  readonly #proven = new Map<string, bigint>();
  readonly #listeners = new Set<RegistryListener>();
  #sortedIds: readonly string[] | undefined;
  #watch: StoreWatch | undefined;

  constructor(deps: RegistryDeps) {
    this.#deps = deps;
  }

  /**
   * Loads every stored destination and follows the store from then on. One that no longer compiles stops nothing; a
   * secret sealed with a key that is not given does, by SealingError: better not to start than to forget credentials.
   */
  async load(): Promise<void> {
    for (const { key, value } of await this.#deps.store.list(PROVEN)) {
      this.#proven.set(key.slice(PROVEN.length), BigInt(Buffer.from(value).toString()));
    }
    const missingKeys = new Set<string>();
    let loading = true;
    this.#watch = this.#deps.store.watch(DESTINATIONS, (change) => {
      try {
        this.#follow(change, loading);
      } catch (error) {
        if (!(error instanceof SealingError) || error.keyId === undefined) throw error;
        missingKeys.add(error.keyId);
      }
    });
    await this.#watch.ready;
    loading = false;
    const [first] = missingKeys;
    if (first === undefined) return;
    const quoted = (ids: Iterable<string>) => [...ids].map((id) => `"${id}"`).join(", ");
    const state = `stored ones need the keys ${quoted(missingKeys)}, given are ${quoted(this.#deps.keyring.keyIds)}`;
    throw new SealingError("UNKNOWN_KEY", first, state);
  }

  get(destinationId: string): DestinationEntry | undefined {
    return this.#entries.get(destinationId);
  }

  all(): IterableIterator<DestinationEntry> {
    return this.#entries.values();
  }

  /** At most `size` destinations that the selector selects, in the order of ids, from the first id after `after`. */
  page(query: { selector: Readonly<Record<string, string>>; after: string; size: number }): DestinationEntry[] {
    this.#sortedIds ??= [...this.#entries.keys()].sort();
    const page: DestinationEntry[] = [];
    for (const id of this.#sortedIds) {
      if (id <= query.after) continue;
      const entry = this.#entries.get(id)!;
      if (hasLabels(entry.labels, query.selector) && page.push(entry) === query.size) break;
    }
    return page;
  }

  /** Told of every change from now on. */
  subscribe(listener: RegistryListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Applies a record that was just written, so that whoever wrote it sees it at once. */
  apply(id: string, record: DestinationRecord | Tombstone, revision: Revision): void {
    if (revision <= (this.#applied.get(id) ?? 0)) return;
    this.#applied.set(id, revision);
    if ("deletedRevision" in record) this.#forget(id);
    else this.#enter(this.#compile(id, record, false));
  }

  /** Remembers, over restarts, that a destination gave a real verdict with its present template and credential. */
  async prove(entry: DestinationEntry): Promise<void> {
    if (this.#proven.get(entry.id) === entry.templateRevision) return;
    this.#proven.set(entry.id, entry.templateRevision);
    try {
      await this.#deps.store.put(`${PROVEN}${entry.id}`, Buffer.from(entry.templateRevision.toString()));
    } catch (error) {
      // It is remembered in this process; a restart asks for one more real verdict.
      log.warn({ destinationId: entry.id, err: error }, "first real verdict not stored");
    }
  }

  close(): void {
    this.#watch?.stop();
    this.#listeners.clear();
  }

  #follow(change: Change, loading: boolean): void {
    const id = change.key.slice(DESTINATIONS.length);
    if (change.revision <= (this.#applied.get(id) ?? 0)) return;
    this.#applied.set(id, change.revision);
    if (change.kind === "delete") {
      this.#forget(id);
      return;
    }
    const record = decodeRecord(change.value);
    if ("deletedRevision" in record) this.#forget(id);
    else this.#enter("unreadable" in record ? unreadable(id, record) : this.#compile(id, record, loading));
  }

  #compile(id: string, record: DestinationRecord, mustOpen: boolean): DestinationEntry {
    const { message, templateRevision } = record;
    const proven = this.#proven.get(id) === templateRevision;
    const base = {
      id,
      revision: message.revision,
      labels: message.labels,
      disabled: message.disabled,
      message,
      templateRevision,
      proven,
    };
    const access = this.#open(record, id, mustOpen);
    const result = compileDestination(message, this.#deps);
    if ("violations" in result) {
      const all = result.violations.map(({ field, description }) => `${field} ${description}`).join("; ");
      return refused(base, `The stored destination no longer compiles: ${all}`);
    }
    // Never another origin than the one the credential was given for, whatever the record says.
    if (record.credential.origin !== result.compiled.queue.origin) {
      return refused(base, "The stored credential is for another origin; configure it again");
    }
    if (!access) return refused(base, "The stored credential cannot be opened; configure it again");
    return { ...base, compiled: { ...result.compiled, access }, invalid: "" };
  }

  #open(record: DestinationRecord, id: string, mustOpen: boolean): Access | undefined {
    try {
      return openAccess(record.credential, id, this.#deps.keyring);
    } catch (error) {
      if (!(error instanceof SealingError) || (mustOpen && error.reason === "UNKNOWN_KEY")) throw error;
      return undefined;
    }
  }

  #enter(entry: DestinationEntry): void {
    if (!this.#entries.has(entry.id)) this.#sortedIds = undefined;
    this.#entries.set(entry.id, entry);
    for (const listener of this.#listeners) listener.configured(entry);
  }

  #forget(id: string): void {
    if (!this.#entries.delete(id)) return;
    this.#sortedIds = undefined;
    for (const listener of this.#listeners) listener.deleted(id);
  }
}

function refused(base: Omit<DestinationEntry, "compiled" | "invalid">, why: string): DestinationEntry {
  destinationInvalid({ destinationId: base.id, message: why });
  return { ...base, compiled: undefined, invalid: why };
}

function unreadable(id: string, record: Unreadable): DestinationEntry {
  const { revision } = record;
  const message = create(DestinationSchema, { id, revision });
  const base = { id, revision, labels: {}, disabled: false, message, templateRevision: 0n, proven: false };
  return refused(base, `The stored destination cannot be read: ${record.unreadable}`);
}

/** The error for an id that names no destination. */
export function notFound(action: string, destinationId: string): ServiceError {
  return new ServiceError("NOT_FOUND", `Cannot ${action} destination "${destinationId}": it does not exist`);
}
