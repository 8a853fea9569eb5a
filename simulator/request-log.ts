import type { IncomingHttpHeaders } from "node:http";
import type { RouteName } from "./call.ts";
import type { FaultKind } from "./faults.ts";

/** One request as it came, and what became of it. Never holds a token. */
export interface RequestRecord {
  /** When it came, Unix milliseconds. */
  readonly at: number;
  readonly method: string;
  /** Path with query, as sent but for tokens in it. */
  readonly path: string;
  /** The headers but Authorization, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether an Authorization header came. */
  readonly authorization: boolean;
  /** Whether a trace context came, which RingCentral should never be sent. */
  readonly traceparent: boolean;
  /** Counts the connections it came on, from 1; equal numbers are one connection kept alive. */
  readonly connection: number;
  /** What was asked; undefined until that is known. */
  on: RouteName | undefined;
  /** By whom, as far as calls are counted; undefined when nobody was let in. */
  caller: string | undefined;
  queueId: string | undefined;
  fault: FaultKind["kind"] | undefined;
  /** Status of the answer; undefined while there is none, and when there never was one. */
  status: number | undefined;
  /** The client went away, or the connection was cut, before the answer was whole. */
  broken: boolean;
}

/** What the log needs of a request. */
export interface Logged {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** The connection it came on. */
  readonly socket: object;
}

interface Waiter {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

const KEPT = 100_000;

/** RequestLog is what the simulator was asked. */
export class RequestLog {
  /** Oldest first, the newest 100,000. */
  readonly records: RequestRecord[] = [];
  readonly #waiting = new Set<Waiter>();
  readonly #connections = new WeakMap<object, number>();
  #connectionCount = 0;
  #arrived = 0;

  add(request: Logged, now: number): RequestRecord {
    const { authorization, ...headers } = request.headers;
    const record: RequestRecord = {
      at: now,
      method: request.method ?? "",
      path: (request.url ?? "").replace(/\b(access_token|wsc)=[^&]*/g, "$1=[secret]"),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      authorization: authorization !== undefined,
      traceparent: "traceparent" in headers,
      connection: this.#connectionOf(request.socket),
      on: undefined,
      caller: undefined,
      queueId: undefined,
      fault: undefined,
      status: undefined,
      broken: false,
    };
    this.records.push(record);
    if (this.records.length > KEPT) this.records.shift();
    this.#arrived++;
    for (const waiter of this.#waiting) if (this.#arrived >= waiter.count) this.#settle(waiter, waiter.resolve);
    return record;
  }

  /** Resolves when `count` requests have come since the start or the last `clear()`. */
  waitFor(count: number): Promise<void> {
    if (this.#arrived >= count) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiting.add({ count, resolve, reject }));
  }

  /** How many of the records there are of each route, by status; 0 = not answered (yet). */
  counts(): Record<string, Record<number, number>> {
    const counts: Record<string, Record<number, number>> = {};
    for (const { on = "unknown", status = 0 } of this.records) {
      counts[on] ??= {};
      const byStatus = counts[on];
      byStatus[status] = (byStatus[status] ?? 0) + 1;
    }
    return counts;
  }

  clear(): void {
    this.records.length = 0;
    this.#arrived = 0;
  }

  /** Refuses those who still wait. */
  close(): void {
    for (const waiter of this.#waiting) {
      const state = `the simulator closed after ${this.#arrived}`;
      this.#settle(waiter, () => waiter.reject(new Error(`Cannot wait for ${waiter.count} requests: ${state}`)));
    }
  }

  #settle(waiter: Waiter, settle: () => void): void {
    this.#waiting.delete(waiter);
    settle();
  }

  #connectionOf(socket: object): number {
    const known = this.#connections.get(socket) ?? ++this.#connectionCount;
    this.#connections.set(socket, known);
    return known;
  }
}
