import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ErrorAnswer, failureOf } from "./errors.ts";

const now = Date.UTC(2026, 0, 5, 12);
const token = "U0pDMTFQMDFQQVMwMHxBQUR2";
const read = (answer: Partial<ErrorAnswer> & { status: number }) =>
  failureOf({ headers: {}, bodyText: "", ...answer }, { action: "read queue presence", hide: token, now });

/** A body as RingCentral lays it out. */
const body = (code: string | undefined, message: string, extra: object = {}, top: string | undefined = code) =>
  JSON.stringify({ errorCode: top, message, errors: [{ errorCode: code, message, ...extra }], ...extra }, null, 2);

describe("failureOf()", () => {
  test.each<[number, string, string, string, string]>([
    [400, body("CMN-101", "Parameter [x] value is invalid"), "UPSTREAM_BAD_RESPONSE", "question", "not understood"],
    [400, body("CMN-101", "Parameter [groupId] value is invalid"), "UPSTREAM_NOT_FOUND", "question", "no such queue"],
    [
      400,
      body("CMN-101", "wrong", { parameterName: "accountId" }),
      "UPSTREAM_NOT_FOUND",
      "question",
      "no such account",
    ],
    [
      400,
      body("CMN-102", "Resource is not found", {}, "InvalidParameter"),
      "UPSTREAM_NOT_FOUND",
      "question",
      "queue or account",
    ],
    [
      404,
      body("CMN-102", "Resource for parameter [groupId] is not found"),
      "UPSTREAM_NOT_FOUND",
      "question",
      "no such queue",
    ],
    [404, body("CMN-120", "Invalid URI"), "UPSTREAM_NOT_FOUND", "question", "queue or account"],
    [
      404,
      '{"errorCode":"AGW-404","message":"Resource not found","errors":[ ]}',
      "UPSTREAM_NOT_FOUND",
      "question",
      "AGW-404",
    ],
    [404, "<html><h1>Not Found</h1></html>", "UPSTREAM_NOT_FOUND", "question", "(HTTP 404)"],
    [
      401,
      body("AGW-401", "Authorization header is not specified"),
      "UPSTREAM_UNAUTHENTICATED",
      "connection",
      "saw no access token",
    ],
    [
      401,
      body("AGW-402", "Invalid Authorization header"),
      "UPSTREAM_UNAUTHENTICATED",
      "connection",
      "cannot be parsed",
    ],
    [
      401,
      body("OAU-123", "Authorization header is not specified"),
      "UPSTREAM_UNAUTHENTICATED",
      "connection",
      "saw no access token",
    ],
    [
      401,
      body("OAU-128", "Access token expired", {}, "TokenExpired"),
      "UPSTREAM_UNAUTHENTICATED",
      "connection",
      "has expired (",
    ],
    [401, body("OAU-129", "Access token corrupted"), "UPSTREAM_UNAUTHENTICATED", "connection", "cannot be parsed"],
    [
      401,
      body("OAU-149", "Unparsable access token", {}, "TokenInvalid"),
      "UPSTREAM_UNAUTHENTICATED",
      "connection",
      "cannot be parsed",
    ],
    [401, body("OAU-213", "Token not found", {}, "TokenInvalid"), "UPSTREAM_UNAUTHENTICATED", "connection", "revoked"],
    [
      401,
      body("OAU-151", "Authorization method not supported"),
      "UPSTREAM_UNAUTHENTICATED",
      "connection",
      "way of authorization",
    ],
    [401, body("CMN-405", "Login to extension required"), "UPSTREAM_UNAUTHENTICATED", "connection", "logged in"],
    [401, body(undefined, "No", {}, "TokenInvalid"), "UPSTREAM_UNAUTHENTICATED", "connection", "is not valid"],
    [401, "", "UPSTREAM_UNAUTHENTICATED", "connection", "refuses the access token"],
    [
      403,
      body(
        "CMN-401",
        "application needs [ReadPresence]",
        { permissionName: "ReadPresence" },
        "InsufficientPermissions",
      ),
      "UPSTREAM_PERMISSION_DENIED",
      "question",
      'app of the access token lacks the permission "ReadPresence"',
    ],
    [
      403,
      body("CMN-408", "user needs [X]", { permissionName: "ReadExtensions" }),
      "UPSTREAM_PERMISSION_DENIED",
      "question",
      'user of the access token lacks the permission "ReadExtensions"',
    ],
    [403, body("CMN-402", "Admin required"), "UPSTREAM_PERMISSION_DENIED", "question", "no administrator"],
    [
      403,
      body("CMN-403", "Not for this extension"),
      "UPSTREAM_PERMISSION_DENIED",
      "question",
      "extension of this type",
    ],
    [
      403,
      body("CMN-404", "Attempt to access another extension"),
      "UPSTREAM_PERMISSION_DENIED",
      "question",
      "another extension",
    ],
    [
      403,
      body("CMN-109", "Feature not available"),
      "UPSTREAM_PERMISSION_DENIED",
      "question",
      "feature is not available",
    ],
    [403, body("NEW-1", "No", { permissionName: "P" }), "UPSTREAM_PERMISSION_DENIED", "question", 'the permission "P"'],
    [403, "<html>Forbidden</html>", "UPSTREAM_PERMISSION_DENIED", "question", "denies permission"],
    [429, body("CMN-301", "Request rate exceeded"), "UPSTREAM_RATE_LIMITED", "budget", "request rate is exceeded"],
    [429, body("CMN-302", "Request rate exceeded"), "UPSTREAM_RATE_LIMITED", "budget", "CMN-302"],
    [429, body("CMN-303", "Request rate exceeded"), "UPSTREAM_RATE_LIMITED", "budget", "CMN-303"],
    [429, body("CMN-304", "Duplicate"), "UPSTREAM_RATE_LIMITED", "budget", "at the same time"],
    [429, body("CMN-310", "Global"), "UPSTREAM_RATE_LIMITED", "budget", "global"],
    [429, "429 Too Many Requests.", "UPSTREAM_RATE_LIMITED", "budget", '"429 Too Many Requests."'],
    [500, body("CMN-201", "Service Temporary Unavailable"), "UPSTREAM_UNAVAILABLE", "connection", "is unavailable"],
    [500, body("CMN-203", "Internal Server Error"), "UPSTREAM_UNAVAILABLE", "connection", "is unavailable"],
    [502, "<html><center>nginx</center></html>", "UPSTREAM_UNAVAILABLE", "connection", "(HTTP 502)"],
    [503, body("CMN-211", "Limited mode"), "UPSTREAM_UNAVAILABLE", "connection", "under maintenance"],
    [503, body(undefined, "Limited", {}, "MaintenanceMode"), "UPSTREAM_UNAVAILABLE", "connection", "under maintenance"],
    [504, "", "UPSTREAM_UNAVAILABLE", "connection", "(HTTP 504)"],
    [204, "", "UPSTREAM_BAD_RESPONSE", "question", "(HTTP 204)"],
    [304, "", "UPSTREAM_BAD_RESPONSE", "question", "(HTTP 304)"],
    [418, "I'm a teapot", "UPSTREAM_BAD_RESPONSE", "question", '"I\'m a teapot"'],
  ])("reads %d %j as %s of the %s", (status, bodyText, reason, scope, said) => {
    const failure = read({ status, bodyText });
    expect(failure).toMatchObject({ reason, scope, status });
    expect(failure.message).toMatch(/^Cannot read queue presence: .*\(HTTP \d+.*\)$/);
    expect(failure.message).toContain(said);
  });

  test("reads the example that RingCentral documents, layout and all", () => {
    const bodyText = `{
  "errorCode" : "InsufficientPermissions",
  "message" : "In order to call this API endpoint, application needs to have [ReadPresence] permission",
  "errors" : [ {
    "errorCode" : "CMN-401",
    "message" : "In order to call this API endpoint, application needs to have [ReadPresence] permission",
    "permissionName" : "ReadPresence"
  } ],
  "permissionName" : "ReadPresence"
}`;
    expect(read({ status: 403, bodyText }).message).toBe(
      'Cannot read queue presence: the RingCentral app of the access token lacks the permission "ReadPresence" ' +
        '(HTTP 403 CMN-401, "In order to call this API endpoint, application needs to have [ReadPresence] permission")',
    );
  });

  test("keeps the wait RingCentral asks for, and the id of the request outside the message", () => {
    const headers = { "retry-after": "30", rcrequestid: "0e1b2c3d-1111-2222-3333-444455556666" };
    const limited = read({ status: 429, headers });
    expect(limited).toMatchObject({ retryAfterMs: 30_000, rcRequestId: headers.rcrequestid });
    expect(limited.message).not.toContain(headers.rcrequestid);
    expect(read({ status: 503, headers: { "retry-after": "Mon, 05 Jan 2026 12:00:20 GMT" } }).retryAfterMs).toBe(
      20_000,
    );
    expect(read({ status: 503, headers: { "retry-after": "86400" } }).retryAfterMs).toBe(3_600_000);
    expect(read({ status: 429 }).retryAfterMs).toBeUndefined();
    expect(read({ status: 404, headers }).retryAfterMs).toBeUndefined();
  });

  test("says the same twice when only the ids of the requests differ", () => {
    const said = (id: string) =>
      read({ status: 500, bodyText: body("CMN-203", `Internal error, request ${id}`) }).message;
    expect(said("0e1b2c3d-1111-2222-3333-444455556666")).toBe(said("99999999-aaaa-bbbb-cccc-ddddeeeeffff"));
  });

  test.each([400, 401, 403, 404, 500])("shows no token when it comes back in every field of a %d", (status) => {
    const bodyText = body(token, `no ${token}`, { permissionName: token, parameterName: token });
    expect(read({ status, bodyText }).message).not.toContain(token);
  });

  test("never repeats the token, and stays one short line, when anything comes back", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom(token, "\u0000", "\n", "\u202e", "\ud800", '"', "[groupId]", "x".repeat(500), `Bearer ${token}`),
    );
    const text = fc.array(piece).map((pieces) => pieces.join(""));
    const bodyText = fc.oneof(
      text,
      fc
        .tuple(text, text, text)
        .map(([code, message, name]) => body(code, message, { permissionName: name, parameterName: name })),
      fc.json(),
    );
    fc.assert(
      fc.property(fc.constantFrom(200, 302, 400, 401, 403, 404, 429, 500, 503), bodyText, (status, given) => {
        const { message } = read({ status, bodyText: given });
        expect(message).not.toContain(token);
        expect(message).not.toMatch(/\p{C}/u);
        expect(message.length).toBeLessThan(450);
        expect(message.isWellFormed()).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });
});
