import { expect, test } from "vitest";
import { readEvent } from "./push-body.ts";

const QUEUE = "/restapi/v1.0/account/77/call-queues/12/presence";
const EXTENSION = "/restapi/v1.0/account/77/extension/9/presence";
const ACCOUNT = "/restapi/v1.0/account/77/presence";

const queueEvent = (...members: [string, boolean][]) => ({
  kind: "event",
  event: {
    kind: "queue",
    queueId: "12",
    members: members.map(([extensionId, acceptCurrentQueueCalls]) => ({ extensionId, acceptCurrentQueueCalls })),
  },
});

test.each([
  ["as text", { records: [{ member: { id: "5" }, acceptCurrentQueueCalls: true, more: 1 }] }, queueEvent(["5", true])],
  ["as numbers", { records: [{ member: { id: 5 }, acceptCurrentQueueCalls: false }] }, queueEvent(["5", false])],
  ["flat", { extensionId: "5", callQueueId: "12", acceptCalls: true }, queueEvent(["5", true])],
  [
    "partly untold",
    { records: [{ member: { id: "4" } }, { member: { id: "5" }, acceptCurrentQueueCalls: true }] },
    queueEvent(["5", true]),
  ],
  ["empty", { records: [] }, { kind: "ignored" }],
  ["untold", { records: [{ member: { id: "4" } }] }, { kind: "ignored" }],
])("readEvent() reads a queue's members when they are %s", (_, body, expected) => {
  expect(readEvent(QUEUE, body)).toEqual(expected);
});

test.each([
  undefined,
  null,
  [],
  {},
  { records: "x" },
  { records: [1] },
  { records: [{ acceptCurrentQueueCalls: true }] },
  { records: [{ member: { id: "5" }, acceptCurrentQueueCalls: "yes" }] },
  { acceptCalls: true },
])("readEvent() says what it cannot read about a queue: %j", (body) => {
  expect(readEvent(QUEUE, body)).toEqual({ kind: "unreadable", about: "queue:12" });
});

test("readEvent() reads an extension's presence, named by path or body, and only what is told", () => {
  const body = {
    extensionId: 9,
    presenceStatus: "Busy",
    userStatus: "",
    dndStatus: 7,
    telephonyStatus: "Ringing",
    acceptCallQueueCalls: false,
    sequence: 3,
    activeCalls: [],
  };
  const event = {
    kind: "extension",
    extensionId: "9",
    presence: { presenceStatus: "Busy", telephonyStatus: "Ringing", acceptCallQueueCalls: false },
    sequence: 3,
  };
  expect(readEvent(ACCOUNT, body)).toEqual({ kind: "event", event });
  expect(readEvent(EXTENSION, { ...body, extensionId: undefined })).toEqual({ kind: "event", event });
  expect(readEvent(EXTENSION, { sequence: 3 })).toEqual({ kind: "ignored" });
  expect(readEvent(ACCOUNT, { presenceStatus: "Busy" })).toEqual({ kind: "unreadable", about: "account" });
});

test("readEvent() ignores what is about something else", () => {
  expect(readEvent("/restapi/v1.0/account/77/extension/9/message-store", { a: 1 })).toEqual({ kind: "ignored" });
});
