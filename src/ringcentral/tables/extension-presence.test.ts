import { afterEach, describe, expect, test } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { startServer } from "../../upstream/test-server.ts";
import { answeredBy, callOptions, callsTo, type Reply } from "../calls/test-call.ts";
import { readExtensions, UNKNOWABLE_MS } from "./extension-presence.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

const clock = new TestClock();
const now = clock.now();

function read(extensionIds: readonly string[], reply: Reply) {
  const { call, calls } = answeredBy(clock, () => reply);
  return { calls, read: readExtensions({ call, clock }, { accountId: "~", extensionIds, units: 7 }, callOptions()) };
}

/** As RingCentral documents it. */
const body = (id: number, rest: object = {}) => ({
  uri: `https://platform/restapi/v1.0/account/1/extension/${id}/presence`,
  extension: { uri: "u", id, extensionNumber: "101" },
  presenceStatus: "Available",
  telephonyStatus: "NoCall",
  userStatus: "Available",
  dndStatus: "TakeAllCalls",
  allowSeeMyPresence: true,
  ...rest,
});
const presence = {
  presenceStatus: "Available",
  telephonyStatus: "NoCall",
  userStatus: "Available",
  dndStatus: "TakeAllCalls",
};
const error = (errorCode: string) => ({ errorCode, message: "no", errors: [{ errorCode, message: "no" }] });
const until = now + UNKNOWABLE_MS;
const unknown = { reason: "RingCentral knows no such extension", until };
const unseen = { reason: "RingCentral does not show the presence of this extension", until };

describe("readExtensions() of several", () => {
  test("asks in one light call, and gives each its presence", async () => {
    const entries = [1, 2].map((id) => ({ resourceId: `${id}`, status: 200, body: body(id) }));
    const { calls, read: reading } = read(["1", "2"], {
      status: 207,
      body: entries,
      headers: {
        "x-rate-limit-group": "light",
        "x-rate-limit-limit": "50",
        "x-rate-limit-remaining": "41",
        "x-rate-limit-window": "60",
      },
    });
    expect(await reading).toEqual({
      ok: true,
      rows: [
        { extensionId: "1", presence },
        { extensionId: "2", presence },
      ],
      sentAt: now,
      unread: undefined,
      left: 41,
    });
    expect(calls).toMatchObject([
      {
        path: "/restapi/v1.0/account/~/extension/1,2/presence",
        route: "/restapi/v1.0/account/{account}/extension/{extension}/presence",
        group: "light",
        accept: "application/vnd.ringcentral.multipart+json",
      },
    ]);
  });

  test("knows the fields of the new call handling, and takes null for absent", async () => {
    const fields = {
      dndStatusPersonal: "DoNotAcceptAnyCalls",
      acceptCallQueueCalls: false,
      meetingStatus: "Connected",
    };
    const told = { ...fields, aggregatedTelephonyStatus: "Ringing" };
    const entries = [
      { resourceId: "1", status: 200, body: { ...told, dndStatus: null, other: 1 } },
      { resourceId: 2, status: 200, body: {} },
    ];
    expect(await read(["1", "2"], { status: 207, body: entries }).read).toMatchObject({
      rows: [{ presence: told }, { extensionId: "2", presence: {} }],
      unread: undefined,
    });
  });

  test("gives rows of which nothing can be known for those that RingCentral does not know or show", async () => {
    const entries = [
      { resourceId: "1", status: 404, body: error("CMN-102") },
      { resourceId: "2", status: 403, body: error("CMN-404") },
      { resourceId: "3", status: 400, body: error("CMN-102") },
      { resourceId: "4", status: 200, body: body(4) },
    ];
    expect(await read(["1", "2", "3", "4"], { status: 207, body: entries }).read).toMatchObject({
      ok: true,
      rows: [
        { extensionId: "1", presence: unknown },
        { extensionId: "2", presence: unseen },
        { extensionId: "3", presence: unknown },
        { extensionId: "4", presence },
      ],
      unread: undefined,
    });
  });

  test.each<[string, object | undefined, string]>([
    ["is not in the answer", undefined, "UPSTREAM_BAD_RESPONSE"],
    ["is refused for now", { resourceId: "2", status: 429, body: error("CMN-301") }, "UPSTREAM_RATE_LIMITED"],
    ["failed", { resourceId: "2", status: 503, body: {} }, "UPSTREAM_UNAVAILABLE"],
    ["needs a permission", { resourceId: "2", status: 403, body: error("CMN-401") }, "UPSTREAM_PERMISSION_DENIED"],
    ["has a field of another type", { resourceId: "2", status: 200, body: { dndStatus: 1 } }, "UPSTREAM_BAD_RESPONSE"],
  ])("keeps the others when one %s, and says so", async (_name, entry, reason) => {
    const entries = [{ resourceId: "1", status: 200, body: body(1) }, ...(entry ? [entry] : [])];
    expect(await read(["1", "2"], { status: 207, body: entries }).read).toMatchObject({
      ok: true,
      rows: [{ extensionId: "1", presence }],
      unread: { ok: false, failure: { reason } },
    });
  });

  test.each<[string, unknown]>([
    ["no JSON", "<html>"],
    ["no list", {}],
    ["a list of something else", [{ id: "1" }]],
  ])("fails when the answer is %s", async (_name, answer) => {
    const message = "Cannot read extension presence: its answer is not understood";
    expect(await read(["1", "2"], { status: 207, body: answer }).read).toMatchObject({
      ok: false,
      failure: { reason: "UPSTREAM_BAD_RESPONSE", message },
    });
  });

  test("fails as a whole when the call does", async () => {
    expect(await read(["1", "2"], { status: 404, body: error("CMN-102") }).read).toMatchObject({
      ok: false,
      failure: { reason: "UPSTREAM_NOT_FOUND" },
    });
  });

  test.each(["\n", "\r\n"])(
    "reads multipart/mixed with lines that end in %j, as a real server sends it",
    async (end) => {
      const href = (id: string) => `https://platform/restapi/v1.0/account/1/extension/${id}/presence`;
      const parts = [
        {
          response: [
            { href: href("1"), status: 200, responseDescription: "OK" },
            { href: href("2"), status: 404 },
          ],
        },
        body(1),
        error("CMN-102"),
      ];
      const lines = parts.flatMap((part) => [
        "--Boundary_20.3",
        "Content-Type: application/json",
        "",
        JSON.stringify(part, null, 2),
      ]);
      const server = await startServer((response) =>
        response
          .writeHead(207, { "Content-Type": 'multipart/mixed; charset=utf-8; boundary="Boundary_20.3"' })
          .end([...lines, "--Boundary_20.3--", ""].join(end)),
      );
      const calls = callsTo(server.origin);
      open.push(calls, server);
      const which = { accountId: "~", extensionIds: ["1", "2"], units: 1 };
      expect(await readExtensions({ call: calls.call, clock }, which, callOptions())).toMatchObject({
        ok: true,
        rows: [
          { extensionId: "1", presence },
          { extensionId: "2", presence: unknown },
        ],
      });
    },
  );

  test.each([0, 2])("fails when multipart/mixed lists one resource and has %d bodies", async (bodies) => {
    const head = ["--b", "", '{"response":[{"href":"/extension/1/presence","status":200}]}'];
    const text = [...head, ...Array(bodies).fill("--b\n\n{}"), "--b--"].join("\n");
    const reply = { status: 207, body: text, headers: { "content-type": "multipart/mixed;boundary=b" } };
    expect(await read(["1", "2"], reply).read).toMatchObject({
      ok: false,
      failure: { reason: "UPSTREAM_BAD_RESPONSE" },
    });
  });
});

describe("readExtensions() of one", () => {
  test("asks for it alone", async () => {
    const { calls, read: reading } = read(["1"], { body: body(1) });
    expect(await reading).toMatchObject({ ok: true, rows: [{ extensionId: "1", presence }], sentAt: now });
    expect(calls).toMatchObject([{ path: "/restapi/v1.0/account/~/extension/1/presence", accept: "application/json" }]);
  });

  test.each([
    [404, "CMN-102", unknown],
    [403, "CMN-404", unseen],
  ])("gives a row of which nothing can be known when the answer is %d", async (status, code, row) => {
    expect(await read(["1"], { status, body: error(code) }).read).toMatchObject({
      ok: true,
      rows: [{ extensionId: "1", presence: row }],
    });
  });

  test("takes a missing permission of the user for one of this extension when another was seen", async () => {
    const denied = (code: string) => answeredBy(clock, () => ({ status: 403, body: error(code) }));
    const which = { accountId: "~", extensionIds: ["1"], units: 1, sees: true };
    const readWith = (code: string) => readExtensions({ call: denied(code).call, clock }, which, callOptions());
    expect(await readWith("CMN-408")).toMatchObject({ ok: true, rows: [{ extensionId: "1", presence: unseen }] });
    expect(await readWith("CMN-401")).toMatchObject({ failure: { reason: "UPSTREAM_PERMISSION_DENIED" } });
  });

  test("fails when a permission is missing, or the answer is no presence", async () => {
    expect(await read(["1"], { status: 403, body: error("CMN-408") }).read).toMatchObject({
      failure: { reason: "UPSTREAM_PERMISSION_DENIED" },
    });
    expect(await read(["1"], { body: [] }).read).toMatchObject({ failure: { reason: "UPSTREAM_BAD_RESPONSE" } });
  });
});
