import { dirname, join } from "node:path";
import { invalid, type Violation } from "../lib/errors.ts";
import { openSqlite } from "./sqlite.ts";
import type { Store } from "./store.ts";

/** Where a store is; `path` as given, so relative to the working directory. */
export type StoreLocation = { readonly kind: "memory" } | { readonly kind: "sqlite"; readonly path: string };

/**
 * Parses a store's address: `sqlite:<path>`, `sqlite::memory:` or `:memory:`. Refuses others with a violation, which
 * shows no more of them than their scheme: an address may carry a password.
 */
export function parseStoreUrl(url: string): StoreLocation | Violation {
  const field = "STORE_URL";
  const expected = 'expected "sqlite:<path>" or ":memory:"';
  if (url === ":memory:" || url === "sqlite::memory:") return { kind: "memory" };
  const [, scheme, rest = ""] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) return { field, reason: "INVALID_FORMAT", description: `has no scheme; ${expected}` };
  if (scheme === "nats") {
    return { field, reason: "UNSUPPORTED", description: `has the scheme "nats:", not available yet; ${expected}` };
  }
  if (scheme !== "sqlite") {
    return { field, reason: "INVALID_FORMAT", description: `has the scheme "${scheme}:"; ${expected}` };
  }
  // Other programs read "//" as a host and "?" as options. A file by such a name is never what was meant.
  if (rest === "" || rest.startsWith("//") || rest.endsWith("/") || /[?#\0]/.test(rest)) {
    const description = `is ${JSON.stringify(url)}; expected a file's path after "sqlite:", without "//", "?" and "#"`;
    return { field, reason: "INVALID_FORMAT", description };
  }
  return { kind: "sqlite", path: rest };
}

/** Opens the store at an address; throws INVALID_ARGUMENT with a violation, or UNAVAILABLE when it cannot be opened. */
export function openStore(url: string): Store {
  const location = locate(url);
  return openSqlite(location.kind === "memory" ? ":memory:" : location.path);
}

/** The file beside a store that holds the key to its secrets; undefined for a store that ends with the process. */
export function keyFileOf(url: string): string | undefined {
  const location = locate(url);
  return location.kind === "memory" ? undefined : join(dirname(location.path), "secrets.key");
}

function locate(url: string): StoreLocation {
  const location = parseStoreUrl(url);
  if ("reason" in location) throw invalid("open store", [location]);
  return location;
}
