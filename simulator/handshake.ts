import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import * as errors from "./errors.ts";
import { faultReply } from "./fault-replies.ts";
import { type Fault, leavesAnswer } from "./faults.ts";
import type { Reply } from "./reply.ts";
import type { Switches } from "./switches.ts";

/** Refuses to open a WebSocket where something stands against it; undefined when nothing does. */
export function refuseHandshake(
  socket: Duplex,
  given: { url: string; mode: Switches["gateway"]; fault: Fault | undefined },
): { status: number | undefined } | undefined {
  const { url, mode, fault } = given;
  if (fault?.kind === "reset" || mode === "reset") {
    // What comes with an upgrade is a socket of its own, told by the type to be any stream.
    (socket as Socket).resetAndDestroy();
    return { status: undefined };
  }
  // Held until somebody ends it.
  if (fault?.kind === "hang" || mode === "silent") return { status: undefined };
  if (fault && !leavesAnswer(fault)) return write(socket, faultReply(fault, errors.noRoute(), {}));
  if (mode === "unavailable") return write(socket, errors.proxyError(503));
  if (!/^\/ws(\?|$)/.test(url)) return write(socket, errors.noRoute());
  return undefined;
}

function write(socket: Duplex, { status, headers, body }: Reply): { status: number } {
  const lines = Object.entries({ ...headers, "Content-Length": Buffer.byteLength(body), Connection: "close" });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
  return { status };
}
