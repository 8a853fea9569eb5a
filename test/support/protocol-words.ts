import type { Way } from "./protocol-case.ts";
import { bytesOf, frame, gzip } from "./raw-messages.ts";

// The words that the protocol cases are written in: ways in, and messages as bytes.

export const GRPC: Way[] = ["gRPC on the gRPC port", "gRPC on the HTTP port"];
export const WEB: Way[] = ["gRPC-Web over HTTP/1.1"];
export const FRAMED = [...GRPC, ...WEB];
export const CONNECT: Way[] = ["Connect over HTTP/1.1", "Connect over h2c"];
export const CONNECT_JSON: Way[] = ["Connect JSON over HTTP/1.1"];
export const CONNECT_STREAM: Way[] = ["Connect stream over h2c"];

export const CHECK = bytesOf("Check", { destinationId: "sales" });
/** Of a destination whose reads never end. */
export const SLOW = bytesOf("Check", { destinationId: "slow" });
export const NOBODY = bytesOf("Check", { destinationId: "nobody" });
export const BROKEN_RULES = bytesOf("Check", { destinationId: "é%", maxAge: { seconds: -1n } });
export const BIG = bytesOf("Check", { destinationId: "sales", tags: { big: "x".repeat(1 << 20) } });
export const MANY = bytesOf("BatchCheck", { checks: Array.from({ length: 100 }, () => ({ destinationId: "sales" })) });
export const ITEM = bytesOf("CheckStream", { requestId: "1", check: { destinationId: "sales" } });
export const WATCH = bytesOf("Watch", { passive: true });
/** The beginning of a field that never comes. */
export const GARBAGE = Buffer.from([0x0a, 0xff]);
export const BOMB = gzip(Buffer.alloc(5 << 20));
export const NOTHING = Buffer.alloc(0);

export const both = (one: Buffer, other: Buffer): Buffer => Buffer.concat([frame(one), frame(other)]);
