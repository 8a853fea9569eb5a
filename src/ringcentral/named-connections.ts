import type { ConnectionEntry } from "../connections/connection-registry.ts";
import type { Connection } from "./connection.ts";
import { type ConnectionSource, namedConnection } from "./connection-source.ts";
import type { Connections } from "./connections.ts";

/** NamedConnections keeps a connection for each that is configured, whether or not a destination uses it. */
export class NamedConnections {
  readonly #connections: Pick<Connections, "open" | "release" | "replaceCredential">;
  readonly #open = new Map<string, { readonly connection: Connection; readonly source: ConnectionSource }>();

  constructor(connections: Pick<Connections, "open" | "release" | "replaceCredential">) {
    this.#connections = connections;
  }

  get(connectionId: string): Connection | undefined {
    return this.#open.get(connectionId)?.connection;
  }

  /** Undefined when there is none that can be used. */
  source(connectionId: string): ConnectionSource | undefined {
    return this.#open.get(connectionId)?.source;
  }

  configured({ id, origin, access }: ConnectionEntry): void {
    const before = this.#open.get(id);
    const source = access && namedConnection(id, origin, access);
    if (source && before?.source.key === source.key) {
      this.#open.set(id, { connection: before.connection, source });
      this.#connections.replaceCredential(source);
      return;
    }
    this.deleted(id);
    if (source) this.#open.set(id, { connection: this.#connections.open(source), source });
  }

  deleted(connectionId: string): void {
    const before = this.#open.get(connectionId);
    this.#open.delete(connectionId);
    if (before) this.#connections.release(before.connection);
  }
}
