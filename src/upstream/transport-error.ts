import { errors } from "undici";
import type { UpstreamFailure } from "./failure.ts";

/** What can go wrong between sending a request and having its whole answer, the time aside. */
export type TransportErrorKind =
  | "dns"
  | "refused"
  | "connect_timeout"
  | "tls"
  | "reset"
  | "cut_off"
  | "malformed"
  | "too_large"
  | "bad_encoding"
  | "not_allowed"
  | "bad_redirect"
  | "redirect_loop";

/** A transport error; `state` is the last part of an error sentence. */
export interface TransportError {
  readonly kind: TransportErrorKind;
  readonly state: string;
}

const MEANING: Record<TransportErrorKind, { state: string } & Pick<UpstreamFailure, "reason" | "scope">> = {
  dns: { state: "its host name cannot be resolved", reason: "UPSTREAM_UNAVAILABLE", scope: "connection" },
  refused: { state: "no connection can be made", reason: "UPSTREAM_UNAVAILABLE", scope: "connection" },
  connect_timeout: { state: "no connection was made in time", reason: "UPSTREAM_UNAVAILABLE", scope: "connection" },
  tls: { state: "no TLS session can be made", reason: "UPSTREAM_UNAVAILABLE", scope: "connection" },
  reset: { state: "the connection was closed before it answered", reason: "UPSTREAM_UNAVAILABLE", scope: "connection" },
  cut_off: {
    state: "the connection was closed in the middle of its answer",
    reason: "UPSTREAM_UNAVAILABLE",
    scope: "connection",
  },
  malformed: { state: "its answer is not HTTP", reason: "UPSTREAM_BAD_RESPONSE", scope: "question" },
  too_large: { state: "its answer is larger than 4 MB", reason: "UPSTREAM_BAD_RESPONSE", scope: "question" },
  bad_encoding: {
    state: "its answer's content encoding cannot be undone",
    reason: "UPSTREAM_BAD_RESPONSE",
    scope: "question",
  },
  not_allowed: { state: "its address is not on the allow-list", reason: "UPSTREAM_BAD_RESPONSE", scope: "question" },
  bad_redirect: { state: "it redirects to no usable address", reason: "UPSTREAM_BAD_RESPONSE", scope: "question" },
  redirect_loop: { state: "it redirects too often", reason: "UPSTREAM_BAD_RESPONSE", scope: "question" },
};

/** What a transport error means for those who wait; everything but the sentence. */
export function meaningOf(kind: TransportErrorKind): Pick<UpstreamFailure, "reason" | "scope"> {
  const { reason, scope } = MEANING[kind];
  return { reason, scope };
}

/** A transport error of this kind; `detail` goes into its sentence, so it must be stable and no secret. */
export function transportError(kind: TransportErrorKind, detail?: string): TransportError {
  const { state } = MEANING[kind];
  return { kind, state: detail === undefined ? state : `${state} (${detail})` };
}

/** Thrown by the dispatcher before anything is sent to an origin that is not on the allow-list. */
export class NotAllowedError extends Error {
  override readonly name = "NotAllowedError";
  readonly origin: string;

  constructor(origin: string) {
    super(`Cannot call "${origin}": it is not on the allow-list`);
    this.origin = origin;
  }
}

const KIND_OF_CODE: Readonly<Record<string, TransportErrorKind>> = {
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EAI_FAIL: "dns",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "refused",
  ENETUNREACH: "refused",
  EHOSTDOWN: "refused",
  EADDRNOTAVAIL: "refused",
  UND_ERR_CONNECT_TIMEOUT: "connect_timeout",
  ETIMEDOUT: "connect_timeout",
  EPROTO: "tls",
  DEPTH_ZERO_SELF_SIGNED_CERT: "tls",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "tls",
  UNABLE_TO_GET_ISSUER_CERT: "tls",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "tls",
  SELF_SIGNED_CERT_IN_CHAIN: "tls",
  UND_ERR_RES_EXCEEDED_MAX_SIZE: "too_large",
  UND_ERR_HEADERS_OVERFLOW: "malformed",
};

/** Sorts what undici, a socket or TLS threw; `answered` says that the head of an answer had arrived. */
export function classify(error: unknown, answered: boolean): TransportError {
  if (error instanceof NotAllowedError) return transportError("not_allowed", `"${error.origin}"`);
  const given = (error as { code?: unknown } | null)?.code;
  const code = typeof given === "string" ? given : "";
  const known = KIND_OF_CODE[code];
  if (known) return transportError(known, known === "too_large" ? undefined : code);
  if (/^(CERT_|ERR_TLS_|ERR_SSL_)/.test(code)) return transportError("tls", code);
  if (error instanceof errors.HTTPParserError) return transportError("malformed");
  return transportError(answered ? "cut_off" : "reset");
}
