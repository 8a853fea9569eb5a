import { createServer as createH1, type Server } from "node:http";
import { createServer as createH2, type Http2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import { type Clock, systemClock } from "../lib/clock.ts";
import type { Lifecycle } from "./guard-lifecycle.ts";
import type { AnyResponse } from "./http-answer.ts";
import { type AnyRequest, connectHandler } from "./http-connect.ts";
import { keepAlive } from "./http-keepalive.ts";
import { type MetricsHandler, opsHandler } from "./http-ops.ts";
import { sniff } from "./http-sniff.ts";
import { type Listener, type ListenerDeps, MAX_CONCURRENT_STREAMS, SHUTDOWN_LIMIT_MS } from "./listener.ts";

const FIRST_BYTE_MS = 10_000;
const SWEEP_MS = 50;

// None of these ends an answer under way: a Watch may last. Keep-alive outlasts the idle time of usual load balancers.
const H1_OPTIONS = { headersTimeout: 10_000, requestTimeout: 30_000, keepAliveTimeout: 75_000, keepAlive: true };
const H2_OPTIONS = { settings: { maxConcurrentStreams: MAX_CONCURRENT_STREAMS }, maxSessionMemory: 64 };

/** Binds the HTTP port: HTTP/1.1 and h2c, Connect, gRPC-Web and gRPC, and what operators ask, on one port. */
export async function listenHttp(deps: ListenerDeps & { metrics: MetricsHandler }): Promise<Listener> {
  const { routes, guards, lifecycle, metrics, host, clock = systemClock, limitMs = SHUTDOWN_LIMIT_MS } = deps;
  const calls = connectHandler(routes, guards);
  const ops = opsHandler({ lifecycle, metrics });
  const answer = (req: AnyRequest, res: AnyResponse) => {
    // Clients that keep a connection open must look for another server.
    if (!("stream" in res) && isEnding(lifecycle)) res.setHeader("connection", "close");
    if (!calls(req, res)) ops(req, res);
  };
  const port = new Port(clock, answer);
  await port.listen(host, deps.port);
  let closed: Promise<void> | undefined;
  const shutdown = async () => {
    await lifecycle.drain();
    await port.close(limitMs);
  };
  return {
    host,
    port: port.number,
    shutdown() {
      closed ??= shutdown();
      return closed;
    },
  };
}

function isEnding(lifecycle: Lifecycle): boolean {
  return lifecycle.phase === "draining" || lifecycle.phase === "closing";
}

/** Port is one listening socket with both HTTP servers behind it, and everything that is connected to it. */
class Port {
  readonly #h1: Server;
  readonly #h2: Http2Server;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();

  constructor(clock: Clock, answer: (req: AnyRequest, res: AnyResponse) => void) {
    this.#clock = clock;
    this.#h1 = createH1(H1_OPTIONS, answer);
    this.#h2 = createH2(H2_OPTIONS, answer);
    this.#h2.on("session", (session) => this.#joined(session));
    // The HTTP/1.1 server listens, so that its time-outs are in force; what it does with a new socket comes after a look.
    const takeH1 = this.#h1.listeners("connection") as ((socket: Socket) => void)[];
    this.#h1.removeAllListeners("connection");
    this.#h1.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      sniff(socket, {
        clock,
        withinMs: FIRST_BYTE_MS,
        h1: () => takeH1.forEach((take) => void take.call(this.#h1, socket)),
        h2: () => {
          // Sockets of an HTTP/1.1 server stay half open when the client ends; an HTTP/2 session would never notice.
          socket.allowHalfOpen = false;
          this.#h2.emit("connection", socket);
        },
      });
    });
  }

  get number(): number {
    return (this.#h1.address() as AddressInfo).port;
  }

  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const refuse = (error: Error) =>
        reject(new Error(`Cannot listen on "${host}:${port}": ${error.message}`, { cause: error }));
      this.#h1.once("error", refuse);
      this.#h1.listen(port, host, () => {
        this.#h1.off("error", refuse);
        resolve();
      });
    });
  }

  /** Takes no more connections, lets what is under way finish, and cuts what is left at the limit. */
  close(limitMs: number): Promise<void> {
    for (const session of this.#sessions) session.close();
    let cancelSweep = () => {};
    const sweep = () => {
      this.#h1.closeIdleConnections();
      cancelSweep = this.#clock.after(SWEEP_MS, sweep);
    };
    const cancelLimit = this.#clock.after(limitMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    return new Promise((resolve) => {
      this.#h1.close(() => {
        cancelSweep();
        cancelLimit();
        resolve();
      });
      sweep();
    });
  }

  #joined(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once("close", () => this.#sessions.delete(session));
    // What goes wrong in a session is told to its calls.
    session.on("error", () => {});
    keepAlive(session, this.#clock);
  }
}
