import type { Socket } from "node:net";
import type { Clock } from "../lib/clock.ts";

// What every HTTP/2 client sends first (RFC 9113, 3.4).
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/**
 * Tells HTTP/2 without TLS from HTTP/1.1 by the first bytes, puts them back and hands the socket on. A socket that says
 * nothing within `withinMs` is closed.
 */
export function sniff(
  socket: Socket,
  deps: { clock: Clock; withinMs: number; h1(socket: Socket): void; h2(socket: Socket): void },
): void {
  let seen: Buffer = Buffer.alloc(0);
  const leave = () => {
    cancel();
    socket.off("readable", look);
    socket.off("error", leave);
    socket.off("close", leave);
  };
  const look = () => {
    const chunk: Buffer | null = socket.read();
    if (!chunk) return;
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const fits = PREFACE.compare(seen, 0, length, 0, length) === 0;
    if (fits && length < PREFACE.length) return;
    leave();
    socket.unshift(seen);
    if (fits) deps.h2(socket);
    else deps.h1(socket);
  };
  const cancel = deps.clock.after(deps.withinMs, () => socket.destroy());
  socket.on("readable", look);
  // A reset before the first byte is nobody's error.
  socket.on("error", leave);
  socket.on("close", leave);
}
