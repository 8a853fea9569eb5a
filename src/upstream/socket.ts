import type { TransportError } from "./transport-error.ts";

/** What a WebSocket tells; after onClose nothing more. */
export interface SocketListener {
  onOpen(): void;
  /** A text frame. */
  onMessage(text: string): void;
  /** A ping or pong frame came. */
  onSign(kind: "ping" | "pong"): void;
  /** It is closed, or could not be opened; `status` is the handshake's HTTP status, where that was the trouble. */
  onClose(why: { readonly code: number; readonly error?: TransportError; readonly status?: number }): void;
}

/** A WebSocket to a server on the allow-list. */
export interface Socket {
  send(text: string): void;
  ping(): void;
  /** Closes it; onClose follows, at the latest when the server has not answered for a moment. */
  close(): void;
}

/** Opens a WebSocket; the query of `url` may hold a secret, so it is told to nobody. */
export type OpenSocket = (url: string, listener: SocketListener) => Socket;
