import type { Case } from "./support/protocol-case.ts";
import { CONNECTION_CASES } from "./support/protocol-connections.ts";
import { HEADER_CASES } from "./support/protocol-headers.ts";
import { MESSAGE_CASES } from "./support/protocol-messages.ts";

/**
 * What a stranger may send, protocol by protocol, and what the protocols' specifications ask the service to do.
 * test/protocol.test.ts sends each to every listener that speaks the protocol and keeps the tables in docs/api.md.
 */
export const CASES: readonly Case[] = [...MESSAGE_CASES, ...HEADER_CASES, ...CONNECTION_CASES];

/** Why what is observed is not what is asked for, by name and way. None of them takes a good request for a bad one. */
export const DIFFERENCES: Readonly<Record<string, string>> = {
  "an unknown compression, gRPC on the gRPC port": "grpc-js names its encodings in the headers of answers alone",
  "flagged as compressed, no encoding named, gRPC on the gRPC port": "grpc-js takes the message as it is",
  "not gzip, though it says so, gRPC on the HTTP port": "Connect's own code for it, on all its protocols",
  "not gzip, though it says so, gRPC-Web over HTTP/1.1": "Connect's own code for it, on all its protocols",
  "bytes that are no message, gRPC on the gRPC port": "on purpose: the caller's doing, and no fault of this server",
};
