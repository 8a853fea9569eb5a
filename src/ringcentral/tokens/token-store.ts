import { isSealedWithFirst, type Keyring, SealingError } from "../../lib/sealing.ts";
import { Secret } from "../../lib/secret.ts";
import type { Entry, Store } from "../../stores/store.ts";
import { tokenDiscarded } from "../../telemetry/token-events.ts";
import type { Issued } from "./token-answer.ts";

const TOKENS = "tokens/";
const FORMAT = 1;

/** TokenStore keeps the newest token of one connection, sealed, over restarts. Trouble of the store rejects. */
export interface TokenStore {
  /**
   * What was saved, if it came from the same credential. What came from another one is removed; what cannot be read is
   * as good as not there. Rejects with SealingError when it was sealed with a key that is not given.
   */
  load(): Promise<Issued | undefined>;
  /** Resolves when it would survive kill -9. `unlessReplaced`: not where another credential's was saved meanwhile. */
  save(issued: Issued, options?: { unlessReplaced?: boolean }): Promise<void>;
}

/**
 * The token store of the connection `key`, whose credential has the identity `identity`: a keyed hash, so that it tells
 * one credential from another and nothing of either.
 */
export function createTokenStore(deps: {
  store: Pick<Store, "get" | "put" | "delete">;
  keyring: Keyring;
  key: string;
  identity: string;
}): TokenStore {
  const { store, keyring, identity } = deps;
  const key = `${TOKENS}${deps.key}`;
  // A token opens nowhere but in the place of its own connection and credential.
  const context = `${key} ${identity}`;

  async function replace(entry: Pick<Entry, "revision">, issued: Issued): Promise<void> {
    await store.put(key, encode(issued), { expected: entry.revision });
  }

  function encode(issued: Issued): Uint8Array {
    const sealed = keyring.seal(new Secret(toText(issued)), context);
    return Buffer.from(JSON.stringify({ format: FORMAT, identity, sealed }));
  }

  return {
    async load() {
      const entry = await store.get(key);
      if (!entry) return undefined;
      const record = decode(entry.value);
      if (record?.identity !== identity) {
        await store.delete(key, { expected: entry.revision });
        return undefined;
      }
      const issued = openIssued(record.sealed);
      // Keys are only taken out of use when nothing is sealed with them any more.
      if (issued && !isSealedWithFirst(record.sealed, keyring)) await replace(entry, issued);
      return issued;
    },

    async save(issued, { unlessReplaced = false } = {}) {
      if (!unlessReplaced) {
        await store.put(key, encode(issued));
        return;
      }
      const entry = await store.get(key);
      if (!entry || decode(entry.value)?.identity !== identity) return;
      await replace(entry, issued);
    },
  };

  function openIssued(sealed: string): Issued | undefined {
    try {
      const issued = fromText(keyring.open(sealed, context).reveal());
      if (issued) return issued;
    } catch (error) {
      if (!(error instanceof SealingError) || error.reason === "UNKNOWN_KEY") throw error;
    }
    tokenDiscarded({ connection: deps.key });
    return undefined;
  }
}

/** Removes what was kept of a connection that is gone. */
export async function forgetToken(store: Pick<Store, "delete">, key: string): Promise<void> {
  await store.delete(`${TOKENS}${key}`);
}

/** The connections of which a token is kept, for removing those that are gone. */
export async function keptTokens(store: Pick<Store, "list">): Promise<string[]> {
  return (await store.list(TOKENS)).map(({ key }) => key.slice(TOKENS.length));
}

function decode(bytes: Uint8Array): { identity: string; sealed: string } | undefined {
  try {
    const { format, identity, sealed } = Object(JSON.parse(Buffer.from(bytes).toString()));
    return format === FORMAT && typeof identity === "string" && typeof sealed === "string"
      ? { identity, sealed }
      : undefined;
  } catch {
    return undefined;
  }
}

function toText({ accessToken, refreshToken, ...rest }: Issued): string {
  return JSON.stringify({ ...rest, accessToken: accessToken.reveal(), refreshToken: refreshToken?.reveal() });
}

/** What toText() wrote; it is authentic, so only another release could have written anything else. */
function fromText(text: string): Issued | undefined {
  const { accessToken, refreshToken, issuedAt, expiresAt, ...rest } = Object(JSON.parse(text));
  if (typeof accessToken !== "string" || typeof issuedAt !== "number" || typeof expiresAt !== "number")
    return undefined;
  return {
    accessToken: new Secret(accessToken),
    issuedAt,
    expiresAt,
    refreshToken: typeof refreshToken === "string" ? new Secret(refreshToken) : undefined,
    refreshExpiresAt: rest.refreshExpiresAt,
    scope: rest.scope,
    ownerId: rest.ownerId,
  };
}
