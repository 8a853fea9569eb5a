import type { Secret } from "../../lib/secret.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";

/** What is known of a connection's token; times in Unix milliseconds. */
export interface TokenStatus {
  /** When the access token ends; undefined when it is not known, as for a pasted one. */
  readonly expiresAt: number | undefined;
  readonly refreshExpiresAt: number | undefined;
  /** The app's permissions as RingCentral named them, for example "ReadPresence"; undefined before the first token. */
  readonly scope: readonly string[] | undefined;
  /** The extension whose token it is: with the app, what RingCentral counts calls by. Undefined when not known. */
  readonly ownerId: string | undefined;
  /** Why the newest renewal failed; undefined when it did not. */
  readonly failure: UpstreamFailure | undefined;
}

/** A token to send, or why there is none and until when it makes no sense to ask again (Unix milliseconds). */
export type TokenOutcome =
  | { readonly ok: true; readonly token: Secret }
  | { readonly ok: false; readonly failure: UpstreamFailure; readonly until: number };

/** TokenSource gives a connection's access token, and renews it where its credential can. */
export interface TokenSource {
  /**
   * The token to send now: a plain value while one is at hand; else waits for a new one, at most until `timeUp`. It never
   * rejects.
   */
  get(timeUp: AbortSignal): TokenOutcome | Promise<TokenOutcome>;
  /** RingCentral refused this token: it is not given out again. Answers whether another can be had. */
  refuse(token: Secret): boolean;
  readonly status: TokenStatus;
  close(): void;
}
