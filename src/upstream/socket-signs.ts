import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { WebSocket } from "undici";

type Sign = "ping" | "pong";

/** SocketSigns tells which socket got a ping or pong; undici answers pings itself and has no event for either. */
export class SocketSigns {
  readonly #listeners = new Map<unknown, (kind: Sign) => void>();
  readonly #onPing = (message: unknown) => this.#tell(message, "ping");
  readonly #onPong = (message: unknown) => this.#tell(message, "pong");

  constructor() {
    subscribe("undici:websocket:ping", this.#onPing);
    subscribe("undici:websocket:pong", this.#onPong);
  }

  listen(socket: WebSocket, listener: (kind: Sign) => void): void {
    this.#listeners.set(socket, listener);
  }

  forget(socket: WebSocket): void {
    this.#listeners.delete(socket);
  }

  close(): void {
    this.#listeners.clear();
    unsubscribe("undici:websocket:ping", this.#onPing);
    unsubscribe("undici:websocket:pong", this.#onPong);
  }

  /** Every WebSocket of the process is told of here, also those of others. */
  #tell(message: unknown, kind: Sign): void {
    this.#listeners.get((message as { websocket?: unknown }).websocket)?.(kind);
  }
}
