import { type Case, calls, type Way } from "./support/protocol-case.ts";
import { CONNECTION_CASES } from "./support/protocol-connections.ts";
import { bytesOf, frame, gzip } from "./support/raw-messages.ts";

// What a stranger may send, protocol by protocol, and what the protocols' specifications ask the service to do.
// test/protocol.test.ts sends each to every listener that speaks the protocol and keeps the table in docs/api.md.

const GRPC: Way[] = ["gRPC on the gRPC port", "gRPC on the HTTP port"];
const WEB: Way[] = ["gRPC-Web over HTTP/1.1"];
const FRAMED = [...GRPC, ...WEB];
const CONNECT: Way[] = ["Connect over HTTP/1.1", "Connect over h2c"];
const JSON_CONNECT: Way[] = ["Connect JSON over HTTP/1.1"];
const CONNECT_STREAM: Way[] = ["Connect stream over h2c"];

const CHECK = bytesOf("Check", { destinationId: "sales" });
const SLOW = bytesOf("Check", { destinationId: "slow" });
const NOBODY = bytesOf("Check", { destinationId: "nobody" });
const MANY = bytesOf("BatchCheck", { checks: Array.from({ length: 100 }, () => ({ destinationId: "sales" })) });
const ITEM = bytesOf("CheckStream", { requestId: "1", check: { destinationId: "sales" } });
const BOMB = gzip(Buffer.alloc(5 << 20));
const GARBAGE = Buffer.from([0x0a, 0xff]);
const BIG = bytesOf("Check", { destinationId: "sales", tags: { big: "x".repeat(1 << 20) } });
const grpcGzip = { "grpc-encoding": "gzip" };
const unaryGzip = { "content-encoding": "gzip" };
const streamGzip = { "connect-content-encoding": "gzip" };
const json = (text: string) => Buffer.from(text);
const get = (query: string) => ({ method: "GET", path: `Check?${query}` });
const JSON_CHECK = encodeURIComponent('{"destinationId":"sales"}');

/** Every case; those that need a connection treated by hand come last. */
export const CASES: readonly Case[] = [
  ...calls("Compression", [
    ["a gzip request", FRAMED, { body: frame(gzip(CHECK), 1), headers: grpcGzip }, "OK: CRITERIA_MET"],
    ["a gzip request", CONNECT, { body: gzip(CHECK), headers: unaryGzip }, "HTTP 200: CRITERIA_MET"],
    ["a gzip request", CONNECT_STREAM, { body: frame(gzip(ITEM), 1), headers: streamGzip }, "OK: CRITERIA_MET"],
    ["a plain message in a gzip call", FRAMED, { body: frame(CHECK), headers: grpcGzip }, "OK: CRITERIA_MET"],
    ["identity", GRPC, { body: frame(CHECK), headers: { "grpc-encoding": "identity" } }, "OK: CRITERIA_MET"],
    ["identity", CONNECT, { body: CHECK, headers: { "content-encoding": "identity" } }, "HTTP 200: CRITERIA_MET"],
    [
      "gzip accepted, a long answer",
      FRAMED,
      { path: "BatchCheck", body: frame(MANY), headers: { "grpc-accept-encoding": "gzip" } },
      "OK: 100 results, gzip or plain",
      /^OK: 100 results( \(gzip\))?$/,
    ],
    [
      "gzip accepted, a long answer",
      CONNECT,
      { path: "BatchCheck", body: MANY, headers: { "accept-encoding": "br, gzip" } },
      "HTTP 200: 100 results (gzip)",
    ],
    [
      "only an unknown encoding accepted",
      CONNECT,
      { path: "BatchCheck", body: MANY, headers: { "accept-encoding": "br" } },
      "HTTP 200: 100 results",
    ],
    [
      "an unknown compression",
      FRAMED,
      { body: frame(CHECK, 1), headers: { "grpc-encoding": "zstd" }, show: ["grpc-accept-encoding"] },
      "UNIMPLEMENTED, grpc-accept-encoding names gzip",
      /^UNIMPLEMENTED; grpc-accept-encoding: .*gzip/,
    ],
    [
      "an unknown compression",
      CONNECT,
      { body: CHECK, headers: { "content-encoding": "br" }, show: ["accept-encoding"] },
      "HTTP 501 unimplemented, accept-encoding names gzip",
      /^HTTP 501 unimplemented; accept-encoding: .*gzip/,
    ],
    [
      "an unknown compression",
      CONNECT_STREAM,
      { body: frame(ITEM, 1), headers: { "connect-content-encoding": "br" }, show: ["connect-accept-encoding"] },
      "unimplemented, connect-accept-encoding names gzip",
      /^unimplemented; connect-accept-encoding: .*gzip/,
    ],
    ["flagged as compressed, no encoding named", FRAMED, { body: frame(CHECK, 1) }, "INTERNAL"],
    [
      "flagged as compressed, no encoding named",
      CONNECT_STREAM,
      { body: frame(ITEM, 1) },
      "internal or invalid_argument",
      /^(internal|invalid_argument)$/,
    ],
    ["not gzip, though it says so", FRAMED, { body: frame(CHECK, 1), headers: grpcGzip }, "INTERNAL"],
    ["not gzip, though it says so", CONNECT, { body: CHECK, headers: unaryGzip }, "HTTP 400 invalid_argument"],
    ["5 MiB in 5 KiB of gzip", FRAMED, { body: frame(BOMB, 1), headers: grpcGzip }, "RESOURCE_EXHAUSTED"],
    ["5 MiB in 5 KiB of gzip", CONNECT, { body: BOMB, headers: unaryGzip }, "HTTP 429 resource_exhausted"],
  ]),
  ...calls("Deadlines", [
    ...["0m", "1n"].map(
      (value) =>
        [
          `grpc-timeout ${value}`,
          FRAMED,
          { body: frame(SLOW), headers: { "grpc-timeout": value } },
          "DEADLINE_EXCEEDED",
        ] as const,
    ),
    [
      "grpc-timeout 300m, a slow read",
      FRAMED,
      { body: frame(SLOW), headers: { "grpc-timeout": "300m" } },
      "OK: NOT_IN_TIME",
    ],
    [
      "grpc-timeout 99999999H",
      FRAMED,
      { body: frame(CHECK), headers: { "grpc-timeout": "99999999H" } },
      "OK: CRITERIA_MET",
    ],
    ...["5x", "-1S", "123456789S"].map(
      (value) =>
        [
          `grpc-timeout ${value}`,
          FRAMED,
          { body: frame(CHECK), headers: { "grpc-timeout": value } },
          "an error, or as if there were none",
          /^(INTERNAL|INVALID_ARGUMENT|OK: CRITERIA_MET)$/,
        ] as const,
    ),
    ...["0", "1"].map(
      (value) =>
        [
          `connect-timeout-ms ${value}`,
          CONNECT,
          { body: SLOW, headers: { "connect-timeout-ms": value } },
          "HTTP 504 deadline_exceeded",
        ] as const,
    ),
    [
      "connect-timeout-ms 300, a slow read",
      CONNECT,
      { body: SLOW, headers: { "connect-timeout-ms": "300" } },
      "HTTP 200: NOT_IN_TIME",
    ],
    [
      "connect-timeout-ms 9999999999",
      CONNECT,
      { body: CHECK, headers: { "connect-timeout-ms": "9999999999" } },
      "HTTP 200: CRITERIA_MET",
    ],
    ...["soon", "-1", "12345678901"].map(
      (value) =>
        [
          `connect-timeout-ms ${value}`,
          CONNECT,
          { body: CHECK, headers: { "connect-timeout-ms": value } },
          "HTTP 400 invalid_argument",
        ] as const,
    ),
    [
      "connect-timeout-ms 0",
      CONNECT_STREAM,
      { body: frame(ITEM), headers: { "connect-timeout-ms": "0" } },
      "deadline_exceeded",
    ],
  ]),
  ...calls("Metadata", [
    [
      "a binary header, twice",
      FRAMED,
      { body: frame(CHECK), headers: { "x-stranger-bin": ["AAEC", "/+8="] } },
      "OK: CRITERIA_MET",
    ],
    [
      "a binary header without padding",
      FRAMED,
      { body: frame(CHECK), headers: { "x-stranger-bin": "AAECAw" } },
      "OK: CRITERIA_MET",
    ],
    [
      "a binary header that is not base64",
      FRAMED,
      { body: frame(CHECK), headers: { "x-stranger-bin": "!" } },
      "OK: CRITERIA_MET, or an error",
      /^(OK: CRITERIA_MET|INTERNAL|INVALID_ARGUMENT)$/,
    ],
    [
      "a header, five times",
      CONNECT,
      { body: CHECK, headers: { "x-stranger": ["a", "b", "c", "d", "e"] } },
      "HTTP 200: CRITERIA_MET",
    ],
    [
      "a broken traceparent",
      [...CONNECT],
      { body: CHECK, headers: { traceparent: "00-nothing-at-all" } },
      "HTTP 200: CRITERIA_MET",
    ],
    [
      "128 KiB of headers",
      ["Connect over h2c"],
      { body: CHECK, headers: { "x-stranger": "x".repeat(131_072) } },
      "HTTP 431, or the stream is reset",
      /^(HTTP 431|stream reset with .*)$/,
    ],
    [
      "128 KiB of headers",
      GRPC,
      { body: frame(CHECK), headers: { "x-stranger": "x".repeat(131_072) } },
      "RESOURCE_EXHAUSTED, HTTP 431, or the stream is reset",
      /^(RESOURCE_EXHAUSTED|HTTP 431|stream reset with .*)$/,
    ],
  ]),
  ...calls("Errors and their details", [
    [
      "an unknown destination",
      GRPC,
      { body: frame(NOBODY), show: ["trailers-only"] },
      "NOT_FOUND with ErrorInfo; trailers-only",
    ],
    ["an unknown destination", WEB, { body: frame(NOBODY) }, "NOT_FOUND with ErrorInfo"],
    ["an unknown destination", CONNECT, { body: NOBODY }, "HTTP 404 not_found with ErrorInfo"],
    [
      "several rules broken",
      FRAMED,
      { body: frame(bytesOf("Check", { destinationId: "é%", maxAge: { seconds: -1n } })), show: ["grpc-message"] },
      "INVALID_ARGUMENT with ErrorInfo and BadRequest, grpc-message percent-encoded",
      /^INVALID_ARGUMENT with ErrorInfo and BadRequest; grpc-message: .*%C3%A9%25/,
    ],
    [
      "several rules broken",
      CONNECT,
      { body: bytesOf("Check", { destinationId: "é%", maxAge: { seconds: -1n } }) },
      "HTTP 400 invalid_argument with ErrorInfo and BadRequest",
    ],
    [
      "one bad item of a stream",
      [...GRPC, ...CONNECT_STREAM],
      { path: "CheckStream", body: Buffer.concat([frame(bytesOf("CheckStream", { requestId: "1" })), frame(ITEM)]) },
      "OK: item error INVALID_ARGUMENT: CRITERIA_MET",
    ],
  ]),
  ...calls("Connect GET", [
    [
      "JSON in the query",
      JSON_CONNECT,
      get(`connect=v1&encoding=json&message=${JSON_CHECK}`),
      "HTTP 200: CRITERIA_MET",
    ],
    ["JSON without connect=v1", JSON_CONNECT, get(`encoding=json&message=${JSON_CHECK}`), "HTTP 200: CRITERIA_MET"],
    [
      "base64 for URLs",
      CONNECT,
      get(`connect=v1&encoding=proto&base64=1&message=${CHECK.toString("base64url")}`),
      "HTTP 200: CRITERIA_MET",
    ],
    [
      "base64 with padding",
      CONNECT,
      get(`connect=v1&encoding=proto&base64=1&message=${encodeURIComponent(CHECK.toString("base64"))}`),
      "HTTP 200: CRITERIA_MET",
    ],
    [
      "gzip in base64",
      CONNECT,
      get(`connect=v1&encoding=proto&compression=gzip&base64=1&message=${gzip(CHECK).toString("base64url")}`),
      "HTTP 200: CRITERIA_MET",
    ],
    [
      "no base64, though it says so",
      CONNECT,
      get("connect=v1&encoding=proto&base64=1&message=*"),
      "HTTP 400 invalid_argument",
    ],
    [
      "an unknown compression",
      CONNECT,
      get("connect=v1&encoding=proto&compression=br&base64=1&message=AA"),
      "HTTP 501 unimplemented",
    ],
    ["an unknown encoding", CONNECT, get("connect=v1&encoding=xml&message=AA"), "HTTP 415"],
    [
      "no message",
      CONNECT,
      get("connect=v1&encoding=proto"),
      "HTTP 400 invalid_argument with ErrorInfo and BadRequest",
    ],
    [
      "a method with side effects",
      CONNECT,
      { method: "GET", path: "Configure?connect=v1&encoding=json&message={}" },
      "HTTP 405",
    ],
  ]),
  ...calls("Method, content type, version, path", [
    ["PUT", [...CONNECT, "gRPC on the HTTP port"], { method: "PUT", body: CHECK }, "HTTP 405"],
    ["GET with a gRPC content type", GRPC, { method: "GET" }, "HTTP 405 or 415", /^HTTP 4(05|15)$/],
    ["text/plain", [...CONNECT, ...GRPC], { body: CHECK, headers: { "content-type": "text/plain" } }, "HTTP 415"],
    ["no content type", CONNECT, { body: CHECK, headers: { "content-type": [] } }, "HTTP 415"],
    [
      "application/grpc+proto",
      GRPC,
      { body: frame(CHECK), headers: { "content-type": "application/grpc+proto" } },
      "OK: CRITERIA_MET",
    ],
    [
      "application/grpc+xml",
      GRPC,
      { body: frame(CHECK), headers: { "content-type": "application/grpc+xml" } },
      "HTTP 415",
    ],
    [
      "Connect JSON",
      ["Connect over h2c to the gRPC port"],
      { body: json("{}"), headers: { "content-type": "application/json" } },
      "HTTP 415",
    ],
    [
      "connect-protocol-version 2",
      CONNECT,
      { body: CHECK, headers: { "connect-protocol-version": "2" } },
      "HTTP 200 or 400",
      /^HTTP (200: CRITERIA_MET|400 invalid_argument)$/,
    ],
    [
      "an unknown method",
      GRPC,
      { path: "Nothing", body: frame(CHECK) },
      "UNIMPLEMENTED, or HTTP 404, which clients take for it",
      /^(UNIMPLEMENTED|HTTP 404)$/,
    ],
    ["an unknown method", CONNECT, { path: "Nothing", body: CHECK }, "HTTP 404"],
    ["a bidirectional stream", ["gRPC-Web over HTTP/1.1"], { path: "CheckStream", body: frame(ITEM) }, "HTTP 505"],
  ]),
  ...calls("Messages and frames", [
    ["a message over 1 MiB", FRAMED, { body: frame(BIG) }, "RESOURCE_EXHAUSTED"],
    ["a message over 1 MiB", CONNECT, { body: BIG }, "HTTP 429 resource_exhausted"],
    ["a message said to be 4 GiB", FRAMED, { body: frame(CHECK, 0, 0xffffffff) }, "RESOURCE_EXHAUSTED"],
    [
      "a message cut short",
      FRAMED,
      { body: frame(CHECK, 0, 100) },
      "INTERNAL, INVALID_ARGUMENT or UNKNOWN",
      /^(INTERNAL|INVALID_ARGUMENT|UNKNOWN)$/,
    ],
    ["a message cut short", CONNECT_STREAM, { body: frame(ITEM, 0, 100) }, "invalid_argument"],
    [
      "a frame head cut short",
      FRAMED,
      { body: Buffer.from([0, 0, 0]) },
      "an error",
      /^(INTERNAL|INVALID_ARGUMENT|UNKNOWN|UNIMPLEMENTED)$/,
    ],
    [
      "unknown flags",
      FRAMED,
      { body: frame(CHECK, 0x10) },
      "INTERNAL, or as if there were none",
      /^(INTERNAL|INVALID_ARGUMENT|OK: CRITERIA_MET)$/,
    ],
    ["no message", FRAMED, { body: Buffer.alloc(0) }, "UNIMPLEMENTED"],
    ["no message", CONNECT, { body: Buffer.alloc(0) }, "HTTP 400 invalid_argument with ErrorInfo and BadRequest"],
    ["no message on a stream", [...GRPC, ...CONNECT_STREAM], { path: "CheckStream", body: Buffer.alloc(0) }, "OK"],
    ["two messages", FRAMED, { body: Buffer.concat([frame(CHECK), frame(CHECK)]) }, "UNIMPLEMENTED"],
    ["no message", FRAMED, { path: "Watch", body: Buffer.alloc(0) }, "UNIMPLEMENTED"],
    [
      "two messages",
      FRAMED,
      { path: "Watch", body: Buffer.concat([frame(GARBAGE), frame(GARBAGE)]) },
      "an error",
      /^(INTERNAL|INVALID_ARGUMENT|UNIMPLEMENTED)$/,
    ],
    ["bytes that are no message", GRPC, { body: frame(GARBAGE) }, "INTERNAL"],
    ["bytes that are no message", CONNECT, { body: GARBAGE }, "HTTP 400 invalid_argument"],
    [
      "bytes that are no message, on a stream",
      [...GRPC, ...CONNECT_STREAM],
      { path: "CheckStream", body: frame(GARBAGE) },
      "INTERNAL or INVALID_ARGUMENT",
      /^(internal|invalid_argument)$/i,
    ],
    [
      "unknown fields",
      CONNECT,
      { body: Buffer.concat([CHECK, Buffer.from([0xf8, 0x07, 0x01])]) },
      "HTTP 200: CRITERIA_MET",
    ],
    [
      "JSON as people write it",
      JSON_CONNECT,
      { body: json(' {"destination_id": "sales"}\n') },
      "HTTP 200: CRITERIA_MET",
    ],
    ["JSON that is none", JSON_CONNECT, { body: json('{"destinationId":') }, "HTTP 400 invalid_argument"],
    [
      "JSON with a misspelt field",
      JSON_CONNECT,
      { body: json('{"destinationID":"sales"}') },
      "HTTP 400 invalid_argument",
    ],
    [
      "JSON 10,000 levels deep",
      JSON_CONNECT,
      { body: json(`{"tags":${"[".repeat(10_000)}`) },
      "HTTP 400 invalid_argument",
    ],
    ["JSON that is not UTF-8", JSON_CONNECT, { body: Buffer.from([0x7b, 0xff, 0x7d]) }, "HTTP 400 invalid_argument"],
    ["an empty JSON body", JSON_CONNECT, { body: Buffer.alloc(0) }, "HTTP 400 invalid_argument"],
  ]),
  ...CONNECTION_CASES,
];
