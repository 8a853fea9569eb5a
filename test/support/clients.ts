import { Agent } from "node:http";
import { type Client, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
  Http2SessionManager,
} from "@connectrpc/connect-node";
import { createConnectTransport as createFetchTransport } from "@connectrpc/connect-web";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { ConnectionService } from "../../gen/availability/v1/connection_service_pb.ts";
import { DestinationService } from "../../gen/availability/v1/destination_service_pb.ts";
import { grpcJsTransport } from "./grpc-js.ts";

/** Typed clients of all three services over one transport. */
export interface Clients {
  readonly availability: Client<typeof AvailabilityService>;
  readonly destinations: Client<typeof DestinationService>;
  readonly connections: Client<typeof ConnectionService>;
}

interface Opened {
  readonly transport: Transport;
  readonly close: () => void;
}

interface Addresses {
  readonly http: string;
  readonly grpc: string;
}

/** Every way a client can come in, by port and protocol. */
const WAYS = {
  "grpc-js on the gRPC port": ({ grpc }) => grpcJsTransport(grpc),
  "grpc-js on the HTTP port": ({ http }) => grpcJsTransport(http),
  "connect-node gRPC on the gRPC port": ({ grpc }) => overH2(grpc, createGrpcTransport),
  "connect-node gRPC on the HTTP port": ({ http }) => overH2(http, createGrpcTransport),
  "gRPC-Web over h2c": ({ http }) => overH2(http, (o) => createGrpcWebTransport({ ...o, httpVersion: "2" })),
  "gRPC-Web over HTTP/1.1": ({ http }) => overH1(http, (o) => createGrpcWebTransport({ ...o, httpVersion: "1.1" })),
  "Connect over h2c": ({ http }) => overH2(http, (o) => createConnectTransport({ ...o, httpVersion: "2" })),
  "Connect over HTTP/1.1": ({ http }) => overH1(http, (o) => createConnectTransport({ ...o, httpVersion: "1.1" })),
  "Connect JSON and GET over HTTP/1.1": ({ http }) =>
    overH1(http, (o) => createConnectTransport({ ...o, httpVersion: "1.1", useBinaryFormat: false, useHttpGet: true })),
  "connect-web over fetch": ({ http }) => ({
    transport: createFetchTransport({ baseUrl: `http://${http}` }),
    close: () => {},
  }),
} satisfies Record<string, (addresses: Addresses) => Opened>;

export type Way = keyof typeof WAYS;

export const ALL_WAYS = Object.keys(WAYS) as Way[];
/** One way for each of the two listeners. */
export const BOTH_PORTS: readonly Way[] = ["grpc-js on the gRPC port", "Connect over HTTP/1.1"];

/** Opens clients; `close` ends their connections. */
export function openClients(way: Way, addresses: Addresses): { clients: Clients; close: () => void } {
  const { transport, close } = WAYS[way](addresses);
  const clients = {
    availability: createClient(AvailabilityService, transport),
    destinations: createClient(DestinationService, transport),
    connections: createClient(ConnectionService, transport),
  };
  return { clients, close };
}

function overH2(
  address: string,
  make: (options: { baseUrl: string; sessionManager: Http2SessionManager }) => Transport,
): Opened {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  return { transport: make({ baseUrl, sessionManager }), close: () => sessionManager.abort() };
}

function overH1(
  address: string,
  make: (options: { baseUrl: string; nodeOptions: { agent: Agent } }) => Transport,
): Opened {
  const agent = new Agent({ keepAlive: true });
  return { transport: make({ baseUrl: `http://${address}`, nodeOptions: { agent } }), close: () => agent.destroy() };
}

/** The error a call failed with; rejects when it was answered. */
export async function errorOf(call: Promise<unknown>): Promise<ConnectError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error("Cannot look at the error: the service answered");
  return ConnectError.from(error);
}
