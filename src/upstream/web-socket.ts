import { type Dispatcher, ping, WebSocket } from "undici";
import type { Clock } from "../lib/clock.ts";
import { USER_AGENT } from "../templates/user-agent.ts";
import { Handshake } from "./handshake.ts";
import type { OpenSocket, Socket, SocketListener } from "./socket.ts";
import { SocketSigns } from "./socket-signs.ts";
import { type TransportError, transportError } from "./transport-error.ts";

/** The WebSockets of this service. */
export interface WebSockets {
  readonly open: OpenSocket;
  /** Cuts every socket, and any opened later. */
  close(): void;
}

interface Deps {
  readonly dispatcher: Dispatcher;
  readonly clock: Clock;
  /** How long a server may take from the first packet to 101. */
  readonly handshakeTimeoutMs: number;
  /** How long a server may take to answer a close frame. */
  readonly closeTimeoutMs: number;
}

// Closed without a close frame. https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
const ABNORMAL = 1006;

/** The one way out of this service to a server over WebSocket. */
export function createWebSockets(deps: {
  dispatcher: Dispatcher;
  clock: Clock;
  handshakeTimeoutMs?: number;
  closeTimeoutMs?: number;
}): WebSockets {
  const { handshakeTimeoutMs = 10_000, closeTimeoutMs = 2_000 } = deps;
  const signs = new SocketSigns();
  const sockets = new Set<OpenedSocket>();
  let closed = false;
  return {
    open(url, listener) {
      const address = URL.parse(url);
      const usable = address !== null && /^wss?:$/.test(address.protocol);
      if (closed || !usable) {
        const why = { code: ABNORMAL, ...(!usable && { error: transportError("not_allowed") }) };
        // As all trouble it is told when the caller has the socket.
        queueMicrotask(() => listener.onClose(why));
        return { send() {}, ping() {}, close() {} };
      }
      const socket = new OpenedSocket(address, listener, { ...deps, handshakeTimeoutMs, closeTimeoutMs }, signs, () =>
        sockets.delete(socket),
      );
      sockets.add(socket);
      return socket;
    },

    close() {
      closed = true;
      for (const socket of sockets) socket.cut();
      signs.close();
    },
  };
}

/** One WebSocket from its handshake to its end. */
class OpenedSocket implements Socket {
  readonly #webSocket: WebSocket;
  readonly #listener: SocketListener;
  readonly #deps: Deps;
  readonly #handshake: Handshake;
  readonly #forget: () => void;
  #cancelTimer: () => void;
  #error: TransportError | undefined;
  #ended = false;

  constructor(url: URL, listener: SocketListener, deps: Deps, signs: SocketSigns, forget: () => void) {
    this.#listener = listener;
    this.#deps = deps;
    this.#forget = forget;
    this.#handshake = new Handshake(url, deps.clock);
    const webSocket = new WebSocket(url, {
      dispatcher: deps.dispatcher.compose((dispatch) => this.#handshake.watched(dispatch)),
      headers: { "User-Agent": USER_AGENT },
    });
    this.#webSocket = webSocket;
    signs.listen(webSocket, (kind) => {
      if (!this.#ended) listener.onSign(kind);
    });
    this.#cancelTimer = deps.clock.after(deps.handshakeTimeoutMs, () => {
      this.#error = transportError("connect_timeout");
      this.#handshake.giveUp("timeout");
      webSocket.close();
    });
    webSocket.addEventListener("open", () => {
      this.#cancelTimer();
      this.#handshake.succeeded();
      listener.onOpen();
    });
    webSocket.addEventListener("message", ({ data }) => {
      if (typeof data === "string" && !this.#ended) listener.onMessage(data);
    });
    webSocket.addEventListener("close", ({ code }) => {
      signs.forget(webSocket);
      this.#end(code);
    });
  }

  send(text: string): void {
    if (this.#webSocket.readyState === WebSocket.OPEN) this.#webSocket.send(text);
  }

  ping(): void {
    ping(this.#webSocket);
  }

  close(): void {
    this.#cancelTimer();
    if (this.#ended) return;
    // A server that does not answer the close frame would keep the socket for ever.
    this.#cancelTimer = this.#deps.clock.after(this.#deps.closeTimeoutMs, () => this.cut());
    this.#handshake.giveUp("stopped");
    this.#webSocket.close(1000);
  }

  /** Ends it without a word to the server. */
  cut(): void {
    this.#handshake.giveUp("stopped");
    if (this.#webSocket.readyState === WebSocket.CONNECTING) this.#webSocket.close();
    this.#handshake.socket?.destroy();
  }

  #end(code: number): void {
    this.#ended = true;
    this.#cancelTimer();
    this.#forget();
    this.#handshake.ended();
    const { error = this.#error, status } = this.#handshake.trouble;
    // undici tells it within close() while the handshake runs.
    queueMicrotask(() =>
      this.#listener.onClose({ code, ...(error && { error }), ...(status !== undefined && { status }) }),
    );
  }
}
