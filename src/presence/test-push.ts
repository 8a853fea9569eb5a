import type { Clock } from "../lib/clock.ts";
import type { Connection, ConnectionListener, QueueNeed } from "../ringcentral/connection.ts";
import type { Connections } from "../ringcentral/connections.ts";
import { createPresenceReader } from "../ringcentral/presence-reader.ts";
import type { Coverage } from "../ringcentral/push/coverage.ts";
import type { PushFilter } from "../ringcentral/push/push-event.ts";
import { Tables } from "../ringcentral/tables/tables.ts";

/**
 * TestPush is the push of the connections it is put over, held by the test: what it carries, when it proves alive and what
 * it tells. Tables, and all that is read into them, are real.
 */
export class TestPush {
  /** What was wanted of it, oldest first. */
  readonly wants: (readonly QueueNeed[])[] = [];
  /** Queues that nobody asks about any more. */
  readonly forgotten: string[] = [];
  readonly #clock: Clock;
  readonly #tables: Tables;
  readonly #listeners = new Set<ConnectionListener>();
  readonly #coverages = new Map<string, { -readonly [K in keyof Coverage]: Coverage[K] }>();
  readonly #over = new Set<Connection>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#tables = new Tables({ clock, accountId: "~", coverageOf: (filter) => this.#coverages.get(nameOf(filter)) });
  }

  /** The same connections, with this as their push. */
  over(connections: Pick<Connections, "open" | "release">): Pick<Connections, "open" | "release"> {
    return {
      open: (source) => this.#take(connections.open(source)),
      release: (connection) => connections.release(connection),
    };
  }

  /** It carries a queue, or with `account` the extensions of all, from now on. */
  begin(...names: string[]): void {
    const now = this.#clock.now();
    for (const name of names) this.#coverages.set(name, { since: now, aliveAt: now, live: true });
    this.#tell(names);
  }

  /** Its session proves alive now, which is told nobody. */
  alive(): void {
    for (const coverage of this.#coverages.values()) if (coverage.live) coverage.aliveAt = this.#clock.now();
  }

  /** Its session ends: what is carried stands still. */
  end(): void {
    for (const coverage of this.#coverages.values()) coverage.live = false;
    this.#tell([...this.#coverages.keys()]);
  }

  /** An agent opts in to a queue, or out of it. */
  optIn(queueId: string, extensionId: string, accepts: boolean): void {
    this.#tell(this.#tables.optIn(queueId, [{ extensionId, acceptCurrentQueueCalls: accepts }]));
  }

  /** The connection has another token. */
  renewed(): void {
    for (const listener of this.#listeners) listener.onToken();
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  #take(connection: Connection): Connection {
    if (this.#over.has(connection)) return connection;
    this.#over.add(connection);
    const { call } = connection;
    const extensions = { refresh: async () => ({ ok: true }) as const };
    return Object.assign(connection, {
      presence: createPresenceReader({ call, account: () => ({ tables: this.#tables, extensions }) }),
      listen: (listener: ConnectionListener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      want: (needs: readonly QueueNeed[]) => {
        this.wants.push(needs);
      },
      forget: (queueId: string) => {
        this.forgotten.push(queueId);
        this.#tables.forget(queueId);
      },
    });
  }

  #tell(queueIds: readonly string[]): void {
    if (queueIds.length > 0) for (const listener of this.#listeners) listener.onNews(queueIds);
  }
}

function nameOf(filter: PushFilter): string {
  if (filter.kind === "queue") return filter.queueId;
  return filter.kind === "account" ? "account" : `extension ${filter.extensionId}`;
}
