import type { ServerResponse } from "node:http";
import { type Clock, pause } from "./clock.ts";
import type { FaultKind, Faults } from "./faults.ts";
import type { Reply } from "./reply.ts";

const PIECES = 10;

/** Sends a reply in the manner of its fault, if it has one. Returns early when `signal` says that nobody reads any more. */
export async function deliver(
  response: ServerResponse,
  reply: Reply,
  fault: FaultKind | undefined,
  deps: { faults: Pick<Faults, "held">; clock: Clock; signal: AbortSignal },
): Promise<void> {
  const { faults, clock, signal } = deps;
  if (fault?.kind === "reset") {
    response.socket?.resetAndDestroy();
    return;
  }
  if (fault?.kind === "hang") await faults.held(signal);
  if (fault?.kind === "delay") await pause(clock, fault.ms, signal);
  if (signal.aborted) return;
  const body = Buffer.from(reply.body);
  response.writeHead(reply.status, { ...reply.headers, "Content-Length": body.length });
  if (fault?.kind === "cut-body") {
    // The half is flushed before the connection goes, so that the client has it.
    response.write(body.subarray(0, body.length / 2), () => response.socket?.resetAndDestroy());
    return;
  }
  if (fault?.kind === "slow-body") {
    const size = Math.ceil(body.length / PIECES);
    for (let start = 0; start < body.length && !signal.aborted; start += size) {
      await pause(clock, fault.ms / PIECES, signal);
      response.write(body.subarray(start, start + size));
    }
  } else response.write(body);
  response.end();
}
