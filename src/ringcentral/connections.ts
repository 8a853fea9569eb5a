import { type Access, sameAccess } from "../connections/credentials.ts";
import { Connection, type ConnectionDeps, type LiveCredential } from "./connection.ts";
import type { ConnectionSource } from "./connection-source.ts";
import type { TokenSource } from "./tokens/token-source.ts";
import type { TokenOwner } from "./tokens/token-sources.ts";

interface Open {
  readonly connection: Connection;
  access: Access;
  users: number;
}

/** Connections holds those that something is asked over, each once however many ask. */
export class Connections {
  readonly #deps: ConnectionDeps & { readonly tokens: (source: ConnectionSource, owner: TokenOwner) => TokenSource };
  readonly #open = new Map<string, Open>();
  readonly #closing = new Set<Promise<void>>();

  constructor(deps: ConnectionDeps & { tokens: (source: ConnectionSource, owner: TokenOwner) => TokenSource }) {
    this.#deps = deps;
  }

  /** The connection, until it is released as often as it was opened. */
  open(source: ConnectionSource): Connection {
    let open = this.#open.get(source.key);
    if (!open) {
      const connection: Connection = new Connection(source, this.#credential(source), this.#deps);
      open = { connection, access: source.access, users: 0 };
      this.#open.set(source.key, open);
    }
    open.users++;
    return open.connection;
  }

  release(connection: Connection): void {
    const open = this.#open.get(connection.key);
    if (open?.connection !== connection || --open.users > 0) return;
    this.#open.delete(connection.key);
    this.#close(connection);
    const inUse = new Set(this.#open.values().map((other) => other.connection.budgetKey));
    this.#deps.budgets.sweep((key) => inUse.has(key));
  }

  /** The connection of a key, if something is asked over it. */
  get(key: string): Connection | undefined {
    return this.#open.get(key)?.connection;
  }

  /** A named connection has another credential: everything asked over it moves at once. */
  replaceCredential(source: ConnectionSource): void {
    const open = this.#open.get(source.key);
    if (!open || sameAccess(open.access, source.access)) return;
    open.access = source.access;
    open.connection.replaceCredential(this.#credential(source));
  }

  /** Resolves when all is saved that is kept over a restart, also of connections released before; it never rejects. */
  async close(): Promise<void> {
    for (const { connection } of this.#open.values()) this.#close(connection);
    this.#open.clear();
    await Promise.all(this.#closing);
  }

  #close(connection: Connection): void {
    const closing = connection.close().finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #credential(source: ConnectionSource): LiveCredential {
    const { access, key } = source;
    const connection = () => this.#open.get(key)?.connection;
    const tokens = this.#deps.tokens(source, {
      // Asked for long after the connection was opened.
      budget: () => connection()?.budget("auth") ?? this.#deps.budgets.get(key, "auth"),
      backOffKey: () => connection()?.backOffKeys("auth").budget ?? `budget ${key}/auth`,
      onRenewed: () => connection()?.renewed(),
    });
    return { tokens, clientId: access.kind === "bearer_token" ? undefined : access.clientId };
  }
}
