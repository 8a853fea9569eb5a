import fc from "fast-check";
import { expect, test } from "vitest";
import { parseFrame, printHeartbeat, printSubscribe } from "./push-frames.ts";

const parse = (frame: unknown) => parseFrame(JSON.stringify(frame));

test("parseFrame() reads RingCentral's first frame, times in milliseconds", () => {
  const frame = parse([
    {
      type: "ConnectionDetails",
      messageId: "m",
      status: 200,
      wsc: { token: "t", sequence: 1 },
      headers: { RCRequestId: "r" },
    },
    {
      creationTime: "2021-07-02T11:40:28.805+0000",
      recoveryState: "Successful",
      maxConnectionsPerSession: 50,
      recoveryBufferSize: 100,
      recoveryTimeout: 180,
      idleTimeout: 1800,
      absoluteTimeout: 86400,
    },
  ]);
  expect(frame).toEqual({
    kind: "details",
    wsc: { token: expect.anything(), sequence: 1 },
    details: {
      recovery: "Successful",
      recoveryBufferSize: 100,
      recoveryTimeoutMs: 180_000,
      idleTimeoutMs: 1_800_000,
      absoluteTimeoutMs: 86_400_000,
    },
  });
  expect(frame.wsc?.token.reveal()).toBe("t");
});

test.each([
  ["Failed", "Failed"],
  ["Partly", "Failed"],
  [null, undefined],
  [undefined, undefined],
])("parseFrame() takes the recovery state %s for %s", (recoveryState, recovery) => {
  expect(parse([{ type: "ConnectionDetails" }, { recoveryState }])).toMatchObject({ details: { recovery } });
});

test("parseFrame() reads answers by their messageId, header names in lower case", () => {
  const meta = { type: "ClientRequest", messageId: "m", status: 200, headers: { "X-Rate-Limit-Limit": 50 } };
  expect(parse([meta, { id: 1 }])).toEqual({
    kind: "answer",
    messageId: "m",
    answer: { status: 200, headers: { "x-rate-limit-limit": "50" }, body: { id: 1 } },
    wsc: undefined,
  });
});

test("parseFrame() reads notifications, heartbeats, errors and what it does not know", () => {
  const wsc = { token: "t", sequence: 7 };
  expect(
    parse([
      { type: "ServerNotification", wsc },
      { event: "/x", body: { a: 1 } },
    ]),
  ).toMatchObject({
    kind: "notification",
    event: "/x",
    body: { a: 1 },
    wsc: { sequence: 7 },
  });
  expect(parse([{ type: "Heartbeat", messageId: "h" }])).toMatchObject({ kind: "heartbeat", messageId: "h" });
  expect(parse([{ type: "Error", status: 403 }, { errorCode: "WSG-902" }])).toMatchObject({
    kind: "error",
    answer: { status: 403, body: { errorCode: "WSG-902" } },
  });
  expect(parse([{ type: "ServerMetrics", wsc }])).toMatchObject({ kind: "other", wsc: { sequence: 7 } });
});

test.each([
  ["[", "it is not JSON"],
  ["{}", "it is not an array"],
  ["[]", "it has no type"],
  ['[{"type":5}]', "it has no type"],
  ['[{"type":"ClientRequest"}]', "the answer has no messageId"],
  ['[{"type":"ServerNotification"},{"body":{}}]', "the notification does not say what it is about"],
])("parseFrame() refuses %s, because %s", (text, problem) => {
  expect(parseFrame(text)).toEqual({ kind: "malformed", problem, wsc: undefined });
});

test("parseFrame() never throws, whatever comes", () => {
  const types = fc.constantFrom(
    "ConnectionDetails",
    "ClientRequest",
    "ServerNotification",
    "Heartbeat",
    "Error",
    "x",
    1,
  );
  const meta = fc.record({
    type: types,
    messageId: fc.jsonValue(),
    wsc: fc.jsonValue(),
    headers: fc.jsonValue(),
    status: fc.jsonValue(),
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.tuple(meta, fc.jsonValue()).map((f) => JSON.stringify(f)),
      ),
      (text) => {
        expect(parseFrame(text).kind).toMatch(/^[a-z]+$/);
      },
    ),
  );
});

test("printSubscribe() and printHeartbeat() write what RingCentral documents", () => {
  expect(printSubscribe("m", ["/a"])).toBe(
    '[{"type":"ClientRequest","messageId":"m","method":"POST","path":"/restapi/v1.0/subscription"},' +
      '{"eventFilters":["/a"],"deliveryMode":{"transportType":"WebSocket"}}]',
  );
  expect(printHeartbeat("m")).toBe('[{"type":"Heartbeat","messageId":"m"}]');
});
