import { Secret } from "../../lib/secret.ts";
import type { TestClock } from "../../lib/test-clock.ts";
import type { OpenSocket, SocketListener } from "../../upstream/socket.ts";
import type { WsToken, WsTokenOutcome } from "./push-dialer.ts";
import { keyOfPath } from "./push-filters.ts";

// RingCentral's gateway as far as push needs it, scripted by tests; time by a TestClock, frames in order after `latency`.

interface GatewaySession {
  readonly id: string;
  filters: readonly string[];
  /** Messages since the session began; the position is the sequence. */
  readonly messages: string[];
}

/** What the gateway sends to a request, instead of what it would. */
export interface ScriptedAnswer {
  readonly status: number;
  readonly body?: unknown;
}

export class ScriptedConnection {
  readonly url: URL;
  readonly #gateway: ScriptedGateway;
  readonly #listener: SocketListener;
  /** Frames that came from the client, parsed. */
  readonly received: [
    { type: string; messageId: string; method?: string; path?: string },
    { eventFilters: string[] }?,
  ][] = [];
  session: GatewaySession;
  pings = 0;
  pongs = true;
  open = true;
  /** The client closed it. */
  closedByClient = false;
  #downFree = 0;
  #upFree = 0;

  constructor(gateway: ScriptedGateway, url: string, listener: SocketListener, session: GatewaySession) {
    this.#gateway = gateway;
    this.url = new URL(url);
    this.#listener = listener;
    this.session = session;
  }

  /** The filters of the newest subscribe request. */
  get asked(): string[] {
    return this.received.findLast(([meta]) => meta.method === "POST")?.[1]?.eventFilters ?? [];
  }

  send(frame: unknown): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#down(() => this.#listener.onMessage(text));
  }

  sign(kind: "ping" | "pong"): void {
    this.#down(() => this.#listener.onSign(kind));
  }

  /** What is under way is lost; the client learns of it unless it is `silent`. */
  cut(how: "clean" | "silent" = "clean"): void {
    if (!this.open) return;
    this.open = false;
    if (how === "clean")
      this.#gateway.clock.after(this.#gateway.latency(), () => this.#listener.onClose({ code: 1006 }));
  }

  /** From the client, after the latency. */
  up(act: () => void): void {
    const { clock, latency } = this.#gateway;
    this.#upFree = Math.max(this.#upFree, clock.now() + latency());
    clock.after(this.#upFree - clock.now(), () => {
      if (this.open) act();
    });
  }

  #down(act: () => void): void {
    const { clock, latency } = this.#gateway;
    this.#downFree = Math.max(this.#downFree, clock.now() + latency());
    clock.after(this.#downFree - clock.now(), () => {
      if (this.open && !this.closedByClient) act();
    });
  }
}

export class ScriptedGateway {
  readonly clock: TestClock;
  readonly connections: ScriptedConnection[] = [];
  readonly #sessions = new Map<string, GatewaySession>();
  /** Times at which tokens were asked for. */
  readonly tokenCalls: number[] = [];
  /** One way, in milliseconds. */
  latency: () => number = () => 0;
  /** What a socket meets instead of a first frame. */
  onConnect: (connection: ScriptedConnection) => "proceed" | "handled" = () => "proceed";
  /** Members of the first frame's body. */
  details: Record<string, unknown> = {};
  /** Whether sessions can be resumed. */
  resumable = true;
  /** Whether a message is lost on its way; it can be replayed. */
  loses: () => boolean = () => false;
  /** How many messages at most it replays, which it still calls a success. */
  bufferSize = 100;
  /** What a subscribe request is answered, unless it is served as asked. */
  onSubscribe: (asked: readonly string[], connection: ScriptedConnection) => ScriptedAnswer | undefined = () =>
    undefined;
  /** What there is instead of a token. */
  onToken: () => Promise<WsTokenOutcome> | undefined = () => undefined;
  uri = "wss://push.example/ws";

  constructor(clock: TestClock) {
    this.clock = clock;
  }

  get last(): ScriptedConnection {
    return this.connections.at(-1)!;
  }

  get openConnections(): ScriptedConnection[] {
    return this.connections.filter(({ open, closedByClient }) => open && !closedByClient);
  }

  readonly wsToken: WsToken = () => {
    this.tokenCalls.push(this.clock.now());
    const token = new Secret(`ws token&${this.tokenCalls.length}`);
    return this.onToken() ?? Promise.resolve({ ok: true, uri: this.uri, token });
  };

  readonly openSocket: OpenSocket = (url, listener) => {
    const asked = new URL(url).searchParams.get("wsc")?.split(" ") ?? [];
    const resumed = this.resumable ? this.#sessions.get(asked[0] ?? "") : undefined;
    const session = resumed ?? { id: `session-${this.connections.length}`, filters: [], messages: [] };
    this.#sessions.set(session.id, session);
    const connection = new ScriptedConnection(this, url, listener, session);
    this.connections.push(connection);
    connection.up(() => {
      listener.onOpen();
      if (this.onConnect(connection) === "handled") return;
      const state = asked.length === 0 ? {} : { recoveryState: resumed ? "Successful" : "Failed" };
      connection.send([
        { type: "ConnectionDetails", messageId: "d", status: 200, wsc: tokenOf(session) },
        {
          ...state,
          recoveryBufferSize: this.bufferSize,
          recoveryTimeout: 180,
          idleTimeout: 1800,
          absoluteTimeout: 86400,
          ...this.details,
        },
      ]);
      const missed = resumed?.messages.slice(Number(asked[1])) ?? [];
      for (const text of missed.slice(-this.bufferSize)) connection.sendText(text);
    });
    return {
      send: (text) => connection.up(() => this.#receive(connection, text)),
      ping: () =>
        connection.up(() => {
          connection.pings++;
          if (connection.pongs) connection.sign("pong");
        }),
      close: () => {
        if (connection.closedByClient) return;
        connection.closedByClient = true;
        if (connection.open) this.clock.after(0, () => listener.onClose({ code: 1000 }));
      },
    };
  };

  /** Something happened that `path` is about: every session that has it subscribed is told, now or when it is resumed. */
  publish(path: string, body: unknown): void {
    for (const session of this.#sessions.values()) this.tell(session, path, body);
  }

  tell(session: GatewaySession, path: string, body: unknown): void {
    const key = keyOfPath(path) ?? "";
    const account = key.startsWith("extension:") ? "account" : key;
    if (!session.filters.some((filter) => [key, account].includes(keyOfPath(filter) ?? "none"))) return;
    const wsc = { token: `${session.id} ${session.messages.length + 1}`, sequence: session.messages.length + 1 };
    const text = JSON.stringify([
      { type: "ServerNotification", messageId: "n", status: 200, wsc },
      { uuid: "u", event: path, timestamp: "2026-01-05T12:00:00Z", body },
    ]);
    session.messages.push(text);
    if (this.loses()) return;
    for (const connection of this.openConnections) if (connection.session === session) connection.sendText(text);
  }

  #receive(connection: ScriptedConnection, text: string): void {
    const [meta, body] = JSON.parse(text) as ScriptedConnection["received"][number];
    connection.received.push(body ? [meta, body] : [meta]);
    if (meta.method !== "POST") return;
    const asked = body?.eventFilters ?? [];
    const scripted = this.onSubscribe(asked, connection);
    if (scripted?.status === 0) return;
    if (!scripted) connection.session.filters = asked;
    const served = { eventFilters: asked.map((path) => path.replace("~", "77")), expiresIn: 86_399 };
    const { status, body: said } = scripted ?? { status: 200, body: served };
    connection.send([
      { type: "ClientRequest", messageId: meta.messageId, status, headers: { RCRequestId: "r" } },
      said,
    ]);
  }
}

function tokenOf(session: GatewaySession) {
  return { token: `${session.id} ${session.messages.length}`, sequence: session.messages.length };
}
