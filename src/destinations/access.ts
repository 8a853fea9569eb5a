import type { ConnectionEntry } from "../connections/connection-registry.ts";
import type { Access } from "../connections/credentials.ts";
import type { Violation } from "../lib/errors.ts";
import { parseOrigin } from "../lib/origin.ts";
import { quote } from "../lib/quote.ts";

/** DestinationAccess is how RingCentral is told who asks: a credential of the destination's own, or a connection. */
export type DestinationAccess = Access | ConnectionAccess;

/** A connection made by ConfigureConnection. */
export interface ConnectionAccess {
  readonly kind: "connection";
  readonly connectionId: string;
}

/** Finds connections by id, as ConnectionRegistry does. */
export interface Connections {
  get(connectionId: string): ConnectionEntry | undefined;
}

/**
 * The server that a template with a connection asks, which is the connection's; `field` is the template's path. One that
 * is given beside it must be the same.
 */
export function serverOfConnection(
  { connectionId, serverUrl }: { connectionId: string; serverUrl: string },
  { field, connections }: { field: string; connections: Connections },
): { serverUrl: string; violation?: Violation } {
  const entry = connections.get(connectionId);
  const refuse = (name: string, reason: string, description: string) => ({
    serverUrl,
    violation: { field: `${field}.${name}`, reason, description },
  });
  if (connectionId === "") return refuse("connection_id", "REQUIRED", "is empty, expected the id of a connection");
  if (!entry) {
    const description = `is ${quote(connectionId)}, which does not exist, expected the id of a connection`;
    return refuse("connection_id", "UNKNOWN_CONNECTION", description);
  }
  if (entry.invalid !== "") {
    const description = `is ${quote(connectionId)}, which cannot be used: ${entry.invalid}`;
    return refuse("connection_id", "INVALID_CONNECTION", description);
  }
  const { origin } = entry;
  const given = serverUrl === "" ? origin : parseOrigin(serverUrl);
  // What is no origin is refused as such, where the template is parsed.
  if (given === undefined || given === origin) return { serverUrl: given === undefined ? serverUrl : origin };
  const description = `is ${quote(given)}, but the connection ${quote(connectionId)} is for ${quote(origin)}, expected that or nothing`;
  return refuse("server_url", "OTHER_SERVER", description);
}
