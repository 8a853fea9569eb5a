import { edgeReply, gatewayReply, platformReply, type Reply } from "./reply.ts";

// RingCentral's errors as they stand on the wire. The code at the top can be an older name than the one in `errors`, and
// some endpoints and extra fields stand in both places: clients read `errors` first.

type Headers = Record<string, string>;

/** One error in the platform's form, its code at the top and in `errors`. */
function errorDocument(code: string, message: string, options: { top?: string; extra?: Headers } = {}): object {
  const { top = code, extra = {} } = options;
  return { errorCode: top, message, errors: [{ errorCode: code, message, ...extra }], ...extra };
}

const CHALLENGE = { "WWW-Authenticate": 'Bearer realm="RingCentral REST API"' };

export function noAuthorization(): Reply {
  return gatewayReply(401, errorDocument("AGW-401", "Authorization header is not specified"), CHALLENGE);
}

export function badAuthorization(): Reply {
  return gatewayReply(401, errorDocument("AGW-402", "Invalid Authorization header"), CHALLENGE);
}

/** The token is not known: revoked, rotated out, evicted or expired. */
export function unknownToken(): Reply {
  return platformReply(401, errorDocument("OAU-213", "Token not found", { top: "TokenInvalid" }), {
    headers: CHALLENGE,
  });
}

/** The app lacks a permission (CMN-401). */
export function appPermission(permissionName: string, headers: Headers = {}): Reply {
  const message = `In order to call this API endpoint, application needs to have [${permissionName}] permission`;
  const document = errorDocument("CMN-401", message, { top: "InsufficientPermissions", extra: { permissionName } });
  return platformReply(403, document, { headers });
}

/** The user lacks a permission (CMN-408). */
export function userPermission(permissionName: string, headers: Headers = {}): Reply {
  const message = `In order to call this API endpoint, user needs to have [${permissionName}] permission for requested resource.`;
  return platformReply(403, errorDocument("CMN-408", message, { extra: { permissionName } }), { headers });
}

/** There is nothing of that id; `status` is 404, and 400 on some endpoints. */
export function noResource(parameterName: string, headers: Headers = {}, status: 400 | 404 = 404): Reply {
  const message = `Resource for parameter [${parameterName}] is not found`;
  return platformReply(status, errorDocument("CMN-102", message, { extra: { parameterName } }), { headers });
}

/** A parameter that cannot be so (CMN-101). */
export function invalidParameter(parameterName: string, headers: Headers = {}): Reply {
  const message = `Parameter [${parameterName}] value is invalid`;
  const document = errorDocument("CMN-101", message, { top: "InvalidParameter", extra: { parameterName } });
  return platformReply(400, document, { headers });
}

/** More extensions in one call than may be. */
export function tooManyExtensions(most: number, headers: Headers = {}): Reply {
  const message = `Extension Presence Info multipart request is limited to ${most} extensions`;
  return platformReply(400, errorDocument("InvalidMultipartRequest", message), { headers });
}

/** More filters than one subscription may have. */
export function invalidFilters(most: number, headers: Headers = {}): Reply {
  return platformReply(400, errorDocument("SUB-508", `Event filters are invalid: more than ${most}`), { headers });
}

export function tooManySubscriptions(headers: Headers = {}): Reply {
  return platformReply(403, errorDocument("SUB-505", "Subscriptions limit exceeded"), { headers });
}

/** A path of the platform that leads nowhere. */
export function invalidUri(): Reply {
  return platformReply(404, errorDocument("CMN-120", "Invalid URI"));
}

/** A path that the gateway does not know; its `errors` are empty. */
export function noRoute(): Reply {
  return gatewayReply(404, { errorCode: "AGW-404", message: "Resource not found", errors: [] });
}

/** No body is documented for this one. */
export function methodNotAllowed(allow: string): Reply {
  return { status: 405, headers: { Server: "nginx", Allow: allow }, body: "" };
}

export function rateExceeded(headers: Headers): Reply {
  return platformReply(429, errorDocument("CMN-301", "Request rate exceeded"), { headers });
}

/** Limits of the edge and of accounts: neither JSON, nor Retry-After, nor usage group. */
export function rateExceededAtEdge(): Reply {
  return edgeReply(429, "429 Too Many Requests.");
}

export function internalError(headers: Headers = {}): Reply {
  return platformReply(500, errorDocument("CMN-203", "Internal Server Error"), { headers });
}

/** Maintenance, or limited mode. `retryAfter` in seconds. */
export function maintenance(retryAfter: number, headers: Headers = {}): Reply {
  const document = errorDocument("CMN-211", "Service is in maintenance mode", { top: "MaintenanceMode" });
  return platformReply(503, document, { headers: { ...headers, "Retry-After": String(retryAfter) } });
}

/** What a proxy in between says, 502, 503 or 504. */
export function proxyError(status: number): Reply {
  return edgeReply(status, `<html>\r\n<head><title>${status}</title></head>\r\n<body>nginx</body>\r\n</html>\r\n`);
}
