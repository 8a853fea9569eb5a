type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const WIDTH = 112;
const A_TIME = "2026-11-22T10:41:07.250Z";
const AN_ADDRESS = "https://platform.ringcentral.com";

/** What a test cannot expect to be the same in each run, by the name of the field that it stands in. */
const BY_FIELD: Record<string, string> = {
  bearerToken: "eyJ...",
  clientId: "8sKq2mP0QxyZ3vN",
  clientSecret: "Zq81...",
  jwt: "eyJ...",
  fingerprint: "5f0c1a7be2d4",
  version: "1795344067250000",
  resumeToken: "k3v9.1c.Zm9vYmFyYmF6",
  nextPageToken: "c2FsZXM",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  rcRequestId: "b7bd36f0-6b5d-11ef-8f4e-0050568d9a2b",
  latency: "0.184213s",
  minute: "2026-11-22T10:41:00Z",
  validUntil: "2026-11-22T10:42:07.250Z",
  expiresAt: "2026-11-22T11:41:07.250Z",
  refreshExpiresAt: "2026-11-29T10:41:07.250Z",
  retryAt: "2026-11-22T11:41:07.250Z",
};
/** Values that say something: none, or of this call alone. */
const TELLING = new Set(["", "0"]);

/**
 * An example with placeholders for what differs from run to run: times, versions, tokens, ids of requests, durations of
 * phases, and the simulator's address, which becomes RingCentral's.
 */
export function steady(value: Json, field = ""): Json {
  if (Array.isArray(value)) return value.map((item) => steady(item, field));
  if (typeof value === "object" && value !== null) {
    if (field === "timings") return Object.fromEntries(Object.keys(value).map((phase) => [phase, "0.061408s"]));
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, steady(part, name)]));
  }
  if (typeof value !== "string" || TELLING.has(value)) return value;
  if (BY_FIELD[field] !== undefined) return BY_FIELD[field];
  if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return A_TIME;
  return value.replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, AN_ADDRESS);
}

/** JSON with as much on a line as fits. */
export function print(value: Json, indent = ""): string {
  const line = onOneLine(value);
  if (indent.length + line.length <= WIDTH || typeof value !== "object" || value === null) return line;
  const inner = `${indent}  `;
  const parts = Array.isArray(value)
    ? value.map((item) => print(item, inner))
    : Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${print(part, inner)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

function onOneLine(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([name, part]) => `${JSON.stringify(name)}: ${onOneLine(part)}`);
  return parts.length === 0 ? "{}" : `{ ${parts.join(", ")} }`;
}
