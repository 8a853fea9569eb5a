import { type Case, calls } from "./protocol-case.ts";
import { CHECK, CONNECT, CONNECT_JSON, CONNECT_STREAM, FRAMED, GRPC, ITEM, SLOW } from "./protocol-words.ts";
import { frame, gzip } from "./raw-messages.ts";

const get = (query: string) => ({ method: "GET", path: `Check?${query}` });
const JSON_CHECK = encodeURIComponent('{"destinationId":"sales"}');

/** What stands before bodies: deadlines, metadata, the query of a GET, method, type, version and path. */
export const HEADER_CASES: readonly Case[] = [
  ...calls("Deadlines", [
    [
      "grpc-timeout 0m",
      FRAMED,
      { body: frame(SLOW), headers: { "grpc-timeout": "0m" } },
      "DEADLINE_EXCEEDED",
      /^DEADLINE_EXCEEDED( with ErrorInfo)?$/,
    ],
    [
      "grpc-timeout 500m, a slow read",
      FRAMED,
      { body: frame(SLOW), headers: { "grpc-timeout": "500m" } },
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
    [
      "connect-timeout-ms 0",
      CONNECT,
      { body: SLOW, headers: { "connect-timeout-ms": "0" } },
      "HTTP 504 deadline_exceeded",
      /^HTTP 504 deadline_exceeded( with ErrorInfo)?$/,
    ],
    [
      "connect-timeout-ms 500, a slow read",
      CONNECT,
      { body: SLOW, headers: { "connect-timeout-ms": "500" } },
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
  ...calls("Connect GET", [
    [
      "JSON in the query",
      CONNECT_JSON,
      get(`connect=v1&encoding=json&message=${JSON_CHECK}`),
      "HTTP 200: CRITERIA_MET",
    ],
    ["JSON without connect=v1", CONNECT_JSON, get(`encoding=json&message=${JSON_CHECK}`), "HTTP 200: CRITERIA_MET"],
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
    [
      "GET with a gRPC content type",
      GRPC,
      { method: "GET" },
      "HTTP 405 or 415, or an error",
      /^(HTTP 4(05|15)|UNIMPLEMENTED|INTERNAL)$/,
    ],
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
      "HTTP 415, or taken for Protobuf",
      /^(HTTP 415|OK: CRITERIA_MET)$/,
    ],
    [
      "Connect JSON",
      ["Connect over h2c to the gRPC port"],
      { body: Buffer.from("{}"), headers: { "content-type": "application/json" } },
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
    ["an unknown method", CONNECT, { path: "Nothing", body: CHECK }, "HTTP 404", /^HTTP 404/],
    ["a bidirectional stream", ["gRPC-Web over HTTP/1.1"], { path: "CheckStream", body: frame(ITEM) }, "HTTP 505"],
  ]),
];
