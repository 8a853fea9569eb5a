import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ServiceError } from "../lib/errors.ts";
import { KEY_BYTES } from "../lib/sealing.ts";
import type { Secret } from "../lib/secret.ts";
import { makePrivateDirectory, syncDirectory } from "./files.ts";

/** The keys to the secrets in a store, for createKeyring(): the first seals, all open. Never to be printed. */
export interface LoadedKeys {
  readonly keys: readonly Uint8Array[];
  /** The file they stand in; undefined when they were given as a value, or live only as long as the process. */
  readonly path: string | undefined;
  /** Whether that file was made just now. Worth saying: who loses the file loses every secret in the store. */
  readonly created: boolean;
}

/**
 * Loads the keys: from `secretsKey` when given (keys, or `file:` and the path of an existing key file), else from
 * `keyFilePath`, which is made with a random key (mode 0600) when missing, else, without a path, one for this process
 * only. A file that is there is never replaced, and none is made where it could open nothing: `sealedWith` are the ids of
 * the keys that stored secrets need. Throws UNAVAILABLE when a file cannot be read, made, or understood.
 */
export function loadKeys(from: {
  secretsKey?: Secret | undefined;
  keyFilePath?: string | undefined;
  sealedWith?: readonly string[];
}): LoadedKeys {
  const given = from.secretsKey && parseSecretsKey(from.secretsKey.reveal());
  if (given && "problem" in given) throw unavailable(`SECRETS_KEY ${given.problem}`);
  if (given && "keys" in given) return { keys: given.keys, path: undefined, created: false };
  if (given) return { keys: readKeys(given.path), path: resolve(given.path), created: false };
  if (from.keyFilePath === undefined) return { keys: [randomBytes(KEY_BYTES)], path: undefined, created: false };
  const path = resolve(from.keyFilePath);
  const needed = from.sealedWith ?? [];
  if (needed.length > 0 && !existsSync(path)) {
    const names = needed.map((id) => JSON.stringify(id)).join(", ");
    const keys = needed.length > 1 ? `keys ${names}` : `key ${names}`;
    throw unavailable(`they need the ${keys}, and there is neither SECRETS_KEY nor ${JSON.stringify(path)}`);
  }
  const created = createKeyFile(path);
  return { keys: readKeys(path), path, created };
}

/** Parses the setting SECRETS_KEY; `problem` never repeats it. */
export function parseSecretsKey(text: string): { keys: Uint8Array[] } | { path: string } | { problem: string } {
  if (!text.startsWith("file:")) return parseKeys(text);
  const path = text.slice("file:".length);
  return path === "" || path.includes("\0") ? { problem: 'names no file after "file:"' } : { path };
}

/** Parses keys: base64 of 32 bytes each, separated by commas; white space around each is allowed. */
function parseKeys(text: string): { keys: Uint8Array[] } | { problem: string } {
  const keys: Uint8Array[] = [];
  for (const [index, part] of text.split(",").entries()) {
    const bytes = Buffer.from(part.trim(), "base64");
    // Node reads any text as base64; only what comes out the same was a key.
    if (bytes.length !== KEY_BYTES || bytes.toString("base64") !== part.trim()) {
      return {
        problem: `holds no key at place ${index + 1}; expected base64 of ${KEY_BYTES} bytes, several separated by commas`,
      };
    }
    keys.push(bytes);
  }
  return { keys };
}

function readKeys(path: string): Uint8Array[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw unavailable((error as Error).message, error);
  }
  const parsed = parseKeys(text);
  if ("problem" in parsed) throw unavailable(`key file ${JSON.stringify(path)} ${parsed.problem}`);
  return parsed.keys;
}

/** Makes a key file unless there is one. Either it is there whole, lasting over power loss, or not at all. */
function createKeyFile(path: string): boolean {
  if (existsSync(path)) return false;
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    makePrivateDirectory(dirname(path));
    try {
      writeFileSync(draft, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { flag: "wx", mode: 0o600, flush: true });
      // Unlike a rename, a link fails when the name is taken: of two first starts at once one makes the key.
      linkSync(draft, path);
    } finally {
      rmSync(draft, { force: true });
    }
    syncDirectory(dirname(path));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw unavailable((error as Error).message, error);
  }
}

function unavailable(state: string, cause?: unknown): ServiceError {
  return new ServiceError("UNAVAILABLE", `Cannot load keys to stored secrets: ${state}`, { cause });
}
