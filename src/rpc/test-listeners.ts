import { create } from "@bufbuild/protobuf";
import { type Client, ConnectError, createClient, type ServiceImpl, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { createConnectTransport as createFetchTransport } from "@connectrpc/connect-web";
import {
  AvailabilityService,
  type CheckStreamResponse,
  CheckStreamResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { systemClock } from "../lib/clock.ts";
import { invalid } from "../lib/errors.ts";
import { listenGrpc } from "./grpc.ts";
import { Lifecycle } from "./guard-lifecycle.ts";
import { createGuards, type Validate } from "./guards.ts";
import { listenHttp } from "./http.ts";
import type { Routes } from "./listener.ts";

export type Implementation = Partial<ServiceImpl<typeof AvailabilityService>>;

/** Both listeners on free ports of the loopback, with one fake service behind them. */
export async function startBoth(
  implementation: Implementation,
  options: { graceMs?: number; limitMs?: number; starting?: boolean } = {},
) {
  const clock = systemClock;
  const lifecycle = new Lifecycle({ clock, graceMs: options.graceMs ?? 20 });
  const guards = createGuards({ validate, lifecycle });
  const routes: Routes = (router) => void router.service(AvailabilityService, implementation);
  const host = "127.0.0.1";
  const limitMs = options.limitMs ?? 2000;
  const common = { routes, guards, lifecycle, host, port: 0, clock, limitMs };
  const metrics = (_: unknown, res: { end(text: string): unknown }) => void res.end("metrics here\n");
  const http = await listenHttp({ ...common, metrics });
  const grpc = await listenGrpc(common);
  if (!options.starting) lifecycle.serve();
  return {
    lifecycle,
    http,
    grpc,
    transports: transports(http.port, grpc.port),
    url: `http://${host}:${http.port}`,
    grpcUrl: `http://${host}:${grpc.port}`,
    stop: () => Promise.all([http.shutdown(), grpc.shutdown()]),
  };
}

/** Refuses a Check without an id; what a validator of the whole service does. */
const validate: Validate = (message, method) => {
  if (method.name !== "Check" && method.name !== "Watch") return;
  const { destinationId, destinationIds } = message as unknown as { destinationId?: string; destinationIds?: string[] };
  if (destinationId === "" || destinationIds?.includes("")) {
    const field = method.name === "Check" ? "destination_id" : "destination_ids[0]";
    throw invalid("check", [{ field, reason: "REQUIRED", description: "is empty, expected 1 to 64 characters" }]);
  }
};

/** Every way a client can come; each makes its own connection. */
function transports(httpPort: number, grpcPort: number): Record<string, () => Transport> {
  const baseUrl = `http://127.0.0.1:${httpPort}`;
  return {
    "gRPC on the gRPC port": () => createGrpcTransport({ baseUrl: `http://127.0.0.1:${grpcPort}` }),
    "gRPC on the HTTP port": () => createGrpcTransport({ baseUrl }),
    "gRPC-Web over h2c": () => createGrpcWebTransport({ baseUrl, httpVersion: "2" }),
    "gRPC-Web over HTTP/1.1": () => createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
    "Connect over h2c": () => createConnectTransport({ baseUrl, httpVersion: "2" }),
    "Connect over HTTP/1.1": () => createConnectTransport({ baseUrl, httpVersion: "1.1" }),
    "Connect over HTTP/1.1, JSON and GET": () =>
      createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false, useHttpGet: true }),
    "connect-web over fetch": () => createFetchTransport({ baseUrl, useBinaryFormat: true }),
  };
}

export const TRANSPORTS = Object.keys(transports(0, 0));
/** Those that can send requests and get answers at the same time. */
export const DUPLEX = TRANSPORTS.filter((name) => /gRPC on|Connect over h2c/.test(name));

export function clientOf(transport: Transport): Client<typeof AvailabilityService> {
  return createClient(AvailabilityService, transport);
}

export function echo(requestId: string): CheckStreamResponse {
  return create(CheckStreamResponseSchema, { requestId, outcome: { case: "error", value: { message: requestId } } });
}

export async function failureOf(call: Promise<unknown>): Promise<ConnectError> {
  const outcome = await call.then(
    () => undefined,
    (error) => error,
  );
  if (!(outcome instanceof ConnectError)) throw new Error(`expected a ConnectError, got ${String(outcome)}`);
  return outcome;
}

export async function collect<T>(answers: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const answer of answers) all.push(answer);
  return all;
}
