import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { Secret } from "./secret.ts";

/** A secret as it may be stored: `aes256gcm:<key id>:<base64url of nonce, ciphertext and tag>`. Plain ASCII. */
export type Sealed = string;

/**
 * Keyring keeps secrets unreadable in a store (AES-256-GCM). `context` says whose secret it is, such as its store key
 * and field path: what was sealed under one context opens under no other, so a stored secret cannot be moved to a
 * place that its owner controls.
 */
export interface Keyring {
  /** The ids of all keys, the sealing one first. An id is the first 8 hex digits of the key's SHA-256. */
  readonly keyIds: readonly string[];
  /** Seals with the first key. Sealing the same secret twice gives different texts. */
  seal(secret: Secret, context: string): Sealed;
  /** Opens what any of the keys sealed. Throws SealingError. */
  open(sealed: Sealed, context: string): Secret;
}

/** Why a sealed secret does not open; neither its message nor its fields hold the secret or a key. */
export class SealingError extends Error {
  override readonly name = "SealingError";
  /** NOT_AUTHENTIC: altered, sealed under another context, or sealed with another key of the same id. */
  readonly reason: "UNKNOWN_KEY" | "NOT_AUTHENTIC" | "MALFORMED";
  /** The key that it says it was sealed with; absent when that cannot be read. */
  readonly keyId: string | undefined;

  constructor(reason: SealingError["reason"], keyId: string | undefined, state: string) {
    super(`Cannot open sealed secret: ${state}`);
    this.reason = reason;
    this.keyId = keyId;
  }
}

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ALGORITHM = "aes-256-gcm";
const SEALED = /^aes256gcm:([0-9a-f]{8}):([A-Za-z0-9_-]+)$/;

/** A keyring of `keys`, each of 32 bytes, at least one: the first seals, all open. Keeps copies. */
export function createKeyring(keys: readonly Uint8Array[]): Keyring {
  const byId = new Map<string, KeyObject>();
  for (const bytes of keys) {
    if (bytes.length !== KEY_BYTES) {
      throw new RangeError(`Cannot use key: it has ${bytes.length} bytes, expected ${KEY_BYTES}`);
    }
    const id = keyId(bytes);
    const key = createSecretKey(bytes);
    if (byId.get(id)?.equals(key) === false)
      throw new RangeError(`Cannot use key "${id}": another key has the same id`);
    byId.set(id, key);
  }
  const [first] = byId;
  if (!first) throw new RangeError("Cannot create keyring: no key given");
  const [sealingId, sealingKey] = first;

  return {
    keyIds: [...byId.keys()],

    seal(secret, context) {
      const text = secret.reveal();
      // UTF-8 has no form for half a surrogate pair: it would come back as another text.
      if (!text.isWellFormed()) throw new RangeError("Cannot seal secret: it is not well-formed Unicode text");
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, sealingKey, nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context));
      const body = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return `aes256gcm:${sealingId}:${Buffer.concat(body).toString("base64url")}`;
    },

    open(sealed, context) {
      const { id, bytes } = parseSealed(sealed);
      const key = byId.get(id);
      if (!key) throw new SealingError("UNKNOWN_KEY", id, `key "${id}" is not among the keys given`);
      const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return new Secret(Buffer.concat([text, decipher.final()]).toString("utf8"));
      } catch {
        throw new SealingError("NOT_AUTHENTIC", id, `it is not what key "${id}" sealed for this place`);
      }
    },
  };
}

/** First 8 hex digits of the key's SHA-256: names a key without telling anything of use about it. */
export function keyId(key: Uint8Array): string {
  return createHash("sha256").update(key).digest("hex").slice(0, 8);
}

/** Whether it was sealed with the key that seals now; false for what is no sealed secret. */
export function isSealedWithFirst(sealed: Sealed, keyring: Pick<Keyring, "keyIds">): boolean {
  return SEALED.exec(sealed)?.[1] === keyring.keyIds[0];
}

function parseSealed(sealed: Sealed): { id: string; bytes: Buffer } {
  const [, id, text] = SEALED.exec(sealed) ?? [];
  if (id === undefined || text === undefined) throw new SealingError("MALFORMED", undefined, "it has another form");
  const bytes = Buffer.from(text, "base64url");
  // The last character can carry bits that decoding drops; only the text that was written is taken.
  if (bytes.length < NONCE_BYTES + TAG_BYTES || bytes.toString("base64url") !== text) {
    throw new SealingError("MALFORMED", id, `it is damaged, sealed with key "${id}"`);
  }
  return { id, bytes };
}
