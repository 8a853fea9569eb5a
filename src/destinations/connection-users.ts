import { connectionIdOf, type DestinationRecord } from "./record.ts";

const NONE: ReadonlyMap<string, DestinationRecord> = new Map();

/** ConnectionUsers knows which destinations ask over which connection. */
export class ConnectionUsers {
  readonly #connectionIds = new Map<string, string>();
  readonly #users = new Map<string, Map<string, DestinationRecord>>();

  /** The destinations that ask over a connection, by id. */
  of(connectionId: string): ReadonlyMap<string, DestinationRecord> {
    return this.#users.get(connectionId) ?? NONE;
  }

  /** A destination is as its record says now; undefined when there is none that can be read. */
  enter(id: string, record: DestinationRecord | undefined): void {
    const before = this.#connectionIds.get(id);
    const now = record && connectionIdOf(record.message);
    if (before !== undefined && before !== now) this.#leave(id, before);
    if (record === undefined || now === undefined) return;
    this.#connectionIds.set(id, now);
    const users = this.#users.get(now) ?? new Map<string, DestinationRecord>();
    this.#users.set(now, users.set(id, record));
  }

  #leave(id: string, connectionId: string): void {
    this.#connectionIds.delete(id);
    const users = this.#users.get(connectionId);
    users?.delete(id);
    if (users?.size === 0) this.#users.delete(connectionId);
  }
}
