import { join } from "node:path";
import { buildGrpcGo } from "./grpc-go.ts";
import type { Program } from "./program.ts";
import type { Bench } from "./scenario.ts";

/** What stands beside the service: servers that only answer (bench/peers/), each with one library and no more. */
const PEERS = {
  "bare grpc-js": "grpc-js.ts",
  "bare connect-node": "connect-node.ts",
  "bare node:http2": "http2.ts",
  /** Not bare: what is written in an afternoon, and calls RingCentral for every Check. */
  naive: "naive.ts",
} as const;

export const SERVICE = "the service";
export const GRPC_JS = "bare grpc-js";
export const CONNECT = "bare connect-node";
export const HTTP2 = "bare node:http2";
export const GRPC_GO = "bare grpc-go";
export const NAIVE = "naive";

export type Peer = Program<{ readonly address: string; readonly http1?: string }>;

/** Starts a peer that answers with what it is given: a CheckResponse, or the naive one RingCentral's origin. */
export function startPeer(bench: Bench, name: keyof typeof PEERS, given: Buffer | string): Promise<Peer> {
  const args = [typeof given === "string" ? given : given.toString("base64")];
  return bench.program({ name, program: join(import.meta.dirname, "peers", PEERS[name]), args, side: "server" });
}

/** Starts the peer in Go on one core; undefined where Debian's packages for Go are missing. */
export async function startGrpcGo(bench: Bench, answer: Buffer): Promise<Peer | undefined> {
  const program = await buildGrpcGo(bench.ends);
  if (program === undefined) return undefined;
  const args = [answer.toString("base64")];
  return await bench.program({ name: GRPC_GO, program, args, env: { GOMAXPROCS: "1" }, side: "server" });
}
