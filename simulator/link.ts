import { randomUUID } from "node:crypto";
import type { WebSocket } from "ws";
import type { Clock } from "./clock.ts";
import { errorFrame, type FrameMeta, frame, parseFrame } from "./frames.ts";
import type { PushSession } from "./push-session.ts";
import type { Switches } from "./switches.ts";

/** One WebSocket, for tests to look at. */
export interface ConnectionRecord {
  /** When the handshake was done, Unix milliseconds. */
  readonly at: number;
  /** Undefined when it was refused. */
  caller: string | undefined;
  /** What came of the place it named; undefined when it named none. */
  recovery: "Successful" | "Failed" | undefined;
  /** The filters in force, `~` replaced. */
  filters: readonly string[];
  /** When it ended, on the server's side. */
  closed: { readonly at: number; readonly code: number } | undefined;
  /** The server has stopped sending anything. */
  silent: boolean;
  /** What the client should not have done. */
  readonly violations: string[];
}

export interface LinkDeps {
  readonly clock: Clock;
  readonly switches: Switches;
  onFrame(link: Link, meta: FrameMeta, body: unknown): void;
  onClose(link: Link): void;
}

/** Link is one WebSocket on the server's side, with its timers. */
export class Link {
  readonly record: ConnectionRecord;
  session: PushSession | undefined;
  readonly #socket: WebSocket;
  readonly #deps: LinkDeps;
  readonly #cancels = new Set<() => void>();
  #ready = false;
  #heardAt: number;
  #cancelPongTimeout: (() => void) | undefined;

  constructor(socket: WebSocket, deps: LinkDeps) {
    this.#socket = socket;
    this.#deps = deps;
    const at = deps.clock.now();
    this.#heardAt = at;
    this.record = {
      at,
      caller: undefined,
      recovery: undefined,
      filters: [],
      closed: undefined,
      silent: false,
      violations: [],
    };
    // Text is all that clients send, and a Buffer is what it comes as.
    socket.on("message", (data) => this.#hear((data as Buffer).toString()));
    socket.on("ping", (data) => {
      this.#heard();
      if (!this.record.silent) socket.pong(data);
    });
    socket.on("pong", () => {
      this.#heard();
      this.#cancelPongTimeout?.();
    });
    socket.on("close", (code) => this.#closed(code));
    // What is wrong with a frame ends the socket, which is told by its close.
    socket.on("error", () => {});
  }

  get open(): boolean {
    return this.record.closed === undefined;
  }

  /** Sends the first frame, after which the client may speak, and begins to watch over the socket. */
  greet(session: PushSession, sequence: number): void {
    const { clock, switches } = this.#deps;
    const { recovery } = this.record;
    this.session = session;
    this.#ready = true;
    const failed = recovery === "Failed" && { recoveryErrorCode: "WSG-1005" };
    const body = {
      creationTime: new Date(clock.now()).toISOString().replace("Z", "+0000"),
      ...(recovery && { recoveryState: recovery, ...failed }),
      maxConnectionsPerSession: 50,
      recoveryBufferSize: switches.recoveryBufferSize,
      recoveryTimeout: switches.recoveryTimeout,
      idleTimeout: switches.idleTimeout,
      absoluteTimeout: switches.absoluteTimeout,
      maxActiveRequests: 10,
    };
    const meta = {
      type: "ConnectionDetails",
      messageId: randomUUID(),
      status: 200,
      wsc: session.wsc(sequence),
    };
    this.send(frame({ ...meta, headers: { RCRequestId: randomUUID() } }, body));
    this.#after(switches.absoluteTimeout, () => this.refuse(408, "WSG-903", "Absolute timeout exceeded", 1000));
    this.#watchIdle();
    this.#schedulePing();
  }

  send(text: string): void {
    if (this.open && !this.record.silent) this.#socket.send(text);
  }

  /** Says what is wrong and closes. */
  refuse(status: number, code: string, message: string, closeCode = 1008): void {
    this.send(errorFrame(status, code, message));
    this.close(closeCode);
  }

  close(code: number): void {
    this.#stop();
    this.#socket.close(code);
  }

  /** Ends the connection without a word. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** From now on nothing is sent, pongs and the answer to a close included, and nothing is heard. */
  silence(): void {
    this.record.silent = true;
    this.#stop();
    this.#socket.pause();
  }

  /** Ends because its session goes on elsewhere. */
  giveUp(): void {
    this.session = undefined;
    if (this.record.silent) this.terminate();
    else this.close(1000);
  }

  #hear(text: string): void {
    if (this.record.silent) return;
    this.#heard();
    const parsed = parseFrame(text);
    if (!this.#ready) {
      this.record.violations.push(`sent ${parsed?.meta.type ?? "no frame"} before ConnectionDetails`);
      this.refuse(400, "WSG-400", "Connection is not established yet", 1002);
      return;
    }
    if (!parsed) {
      this.record.violations.push("sent what is no frame");
      this.send(errorFrame(400, "WSG-400", "Message is malformed"));
      return;
    }
    this.#deps.onFrame(this, parsed.meta, parsed.body);
  }

  #heard(): void {
    this.#heardAt = this.#deps.clock.now();
  }

  #watchIdle(): void {
    const { clock, switches } = this.#deps;
    const left = switches.idleTimeout - (clock.now() - this.#heardAt) / 1000;
    if (left <= 0) this.refuse(408, "WSG-902", "Idle timeout exceeded", 1000);
    else this.#after(left, () => this.#watchIdle());
  }

  #schedulePing(): void {
    const { clock, switches } = this.#deps;
    if (switches.pingInterval <= 0) return;
    this.#after(switches.pingInterval, () => {
      this.#socket.ping();
      this.#cancelPongTimeout?.();
      this.#cancelPongTimeout = clock.after(switches.pongTimeout * 1000, () => this.terminate());
      this.#schedulePing();
    });
  }

  #after(seconds: number, then: () => void): void {
    const cancel = this.#deps.clock.after(seconds * 1000, () => {
      this.#cancels.delete(cancel);
      then();
    });
    this.#cancels.add(cancel);
  }

  #stop(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#cancelPongTimeout?.();
  }

  #closed(code: number): void {
    this.#stop();
    this.record.closed = { at: this.#deps.clock.now(), code };
    this.#deps.onClose(this);
  }
}
