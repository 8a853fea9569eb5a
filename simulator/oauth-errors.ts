import { platformReply, type Reply } from "./reply.ts";

/** One error of the token endpoint. */
export interface OAuthError {
  readonly error: string;
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** 400 unless given. */
  readonly status?: number | undefined;
  /** More members of the entry in `errors`. */
  readonly extra?: object;
}

/** An error in the form of the token endpoint, which is OAuth's own with the platform's `errors` beside it. */
export function oauthError(given: OAuthError, headers: Record<string, string> = {}): Reply {
  const { error, code = "OAU-210", message = "Token expired", status = 400, extra } = given;
  const document = { error, error_description: message, errors: [{ errorCode: code, message, ...extra }] };
  return platformReply(status, document, { headers });
}

export const TOKEN_EXPIRED: OAuthError = { error: "invalid_grant", code: "OAU-210", message: "Token expired" };
export const TOKEN_NOT_FOUND: OAuthError = { error: "invalid_grant", code: "OAU-213", message: "Token not found" };
export const NO_CLIENT: OAuthError = {
  error: "invalid_client",
  code: "OAU-123",
  message: "Client authentication is required",
};
export const WRONG_SECRET: OAuthError = {
  error: "invalid_client",
  code: "OAU-146",
  message: "Invalid client credentials",
  status: 401,
};
export const GRANT_NOT_ALLOWED: OAuthError = {
  error: "unauthorized_client",
  code: "OAU-251",
  message: "Unauthorized for this grant type",
};
export const GRANT_UNKNOWN: OAuthError = {
  error: "invalid_request",
  code: "OAU-250",
  message: "Unsupported grant type",
};

export function unknownClient(clientId: string): OAuthError {
  const extra = { parameters: [{ parameterName: "client_id", parameterValue: clientId }] };
  return { error: "invalid_client", code: "OAU-153", message: `Invalid client: ${clientId}`, extra };
}

export function missingParameter(name: string): OAuthError {
  const extra = { parameterName: name };
  return { error: "invalid_request", code: "CMN-101", message: `Parameter [${name}] value is invalid`, extra };
}
