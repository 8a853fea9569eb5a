import type { Secret } from "../../lib/secret.ts";
import type { TokenSource } from "./token-source.ts";

/** The source of a pasted access token: it is what it is until somebody configures another. */
export function createPastedToken(token: Secret): TokenSource {
  return {
    get: () => ({ ok: true, token }),
    refuse: () => false,
    status: {
      expiresAt: undefined,
      refreshExpiresAt: undefined,
      scope: undefined,
      ownerId: undefined,
      failure: undefined,
    },
    close() {},
  };
}
