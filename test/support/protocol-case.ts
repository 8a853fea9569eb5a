import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { overH1, overH2, type RawAnswer, type RawCall } from "./raw-calls.ts";
import { grpcTrailers, type Protocol, told } from "./raw-messages.ts";

export interface Ports {
  readonly http: string;
  readonly grpc: string;
}

/** One thing to send one way, and what the protocol asks for. */
export interface Case {
  readonly area: string;
  readonly name: string;
  readonly way: string;
  /** What the specification asks for, in words; `holds` says whether an observation is that. */
  readonly expected: string;
  holds(observed: string): boolean;
  /** Sends it; what was observed, in one line that is the same each time. */
  run(ports: Ports): Promise<string>;
}

const grpc = { protocol: "gRPC", type: "application/grpc", call: overH2, headers: { te: "trailers" } } as const;
const connect = { protocol: "Connect", type: "application/proto", port: "http", headers: {} } as const;

/** Ways in: a protocol with its usual headers, over an HTTP version, to a port. */
const WAYS = {
  "gRPC on the gRPC port": { ...grpc, port: "grpc" },
  "gRPC on the HTTP port": { ...grpc, port: "http" },
  "gRPC-Web over HTTP/1.1": {
    protocol: "gRPC-Web",
    type: "application/grpc-web+proto",
    call: overH1,
    port: "http",
    headers: {},
  },
  "Connect over HTTP/1.1": { ...connect, call: overH1 },
  "Connect over h2c": { ...connect, call: overH2 },
  "Connect over h2c to the gRPC port": { ...connect, call: overH2, port: "grpc" },
  "Connect JSON over HTTP/1.1": { ...connect, type: "application/json", call: overH1 },
  "Connect stream over h2c": {
    ...connect,
    protocol: "Connect stream",
    type: "application/connect+proto",
    call: overH2,
  },
} satisfies Record<
  string,
  { protocol: Protocol; type: string; call: RawCall; port: keyof Ports; headers: Record<string, string> }
>;

export type Way = keyof typeof WAYS;

interface Sent {
  readonly method?: string;
  /** The RPC, with a query; Check, or CheckStream where only streams are, unless given. */
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Buffer;
  /** Headers to tell of; "trailers-only" = whether status and headers came in one. */
  readonly show?: readonly string[];
}

type Row = readonly [name: string, ways: readonly Way[], sent: Sent, expected: string, holds?: RegExp];

/** Cases that are one call each. */
export function calls(area: string, rows: readonly Row[]): Case[] {
  return rows.flatMap(([name, ways, sent, expected, holds]) =>
    ways.map((way) => ({
      area,
      name,
      way,
      expected,
      holds: (observed: string) => (holds ? holds.test(observed) : observed === expected),
      run: (ports: Ports) => callOnce(way, sent, ports),
    })),
  );
}

async function callOnce(way: Way, sent: Sent, ports: Ports): Promise<string> {
  const { protocol, type, call, port, headers } = WAYS[way];
  const {
    method = "POST",
    path: rpc = protocol === "Connect stream" ? "CheckStream" : "Check",
    body,
    show = [],
  } = sent;
  const path = `/${AvailabilityService.typeName}/${rpc}`;
  const all: Record<string, string | string[]> = {
    ...(method === "POST" && { "content-type": type }),
    ...headers,
    ...sent.headers,
  };
  for (const [name, value] of Object.entries(all)) if (value.length === 0) delete all[name];
  if (method === "GET" && protocol !== "Connect") all["content-type"] = type;
  const answer = await call(ports[port], { method, path, headers: all, ...(body && { body }) });
  const shown = show.flatMap((name) => shownHeader(protocol, answer, name));
  return [told(answer, { protocol, path }), ...shown].join("; ");
}

function shownHeader(protocol: Protocol, answer: RawAnswer, name: string): string[] {
  if (name === "trailers-only") return answer.headers["grpc-status"] === undefined ? [] : ["trailers-only"];
  const value = answer.headers[name] ?? (protocol.startsWith("gRPC") ? grpcTrailers(answer)[name] : undefined);
  return value === undefined ? [] : [`${name}: ${value}`];
}
