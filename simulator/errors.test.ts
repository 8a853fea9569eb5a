import { expect, test } from "vitest";
import * as errors from "./errors.ts";

test("errors have the lengths of bodies seen on the wire", () => {
  expect(Buffer.byteLength(errors.badAuthorization().body)).toBe(175);
  expect(Buffer.byteLength(errors.noRoute().body)).toBe(83);
});

test("appPermission() is written as the platform writes it", () => {
  expect(errors.appPermission("ReadPresence").body).toBe(`{
  "errorCode" : "InsufficientPermissions",
  "message" : "In order to call this API endpoint, application needs to have [ReadPresence] permission",
  "errors" : [ {
    "errorCode" : "CMN-401",
    "message" : "In order to call this API endpoint, application needs to have [ReadPresence] permission",
    "permissionName" : "ReadPresence"
  } ],
  "permissionName" : "ReadPresence"
}`);
});

test("unknownToken() has the older code at the top and the challenge in a header", () => {
  const { status, body, headers } = errors.unknownToken();
  expect(status).toBe(401);
  expect(JSON.parse(body)).toMatchObject({ errorCode: "TokenInvalid", errors: [{ errorCode: "OAU-213" }] });
  expect(headers["WWW-Authenticate"]).toBe('Bearer realm="RingCentral REST API"');
});

test("rateExceededAtEdge() has neither JSON nor headers that tell how long to wait", () => {
  const { body, headers } = errors.rateExceededAtEdge();
  expect(body).toHaveLength(22);
  expect(Object.keys(headers)).toEqual(["Server", "Content-Type"]);
});
