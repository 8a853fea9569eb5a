import { describe, expect, test } from "vitest";
import { type Belonging, belongs, countAgents } from "./agents.ts";
import type { JsonObject } from "./json.ts";

const T = true;
const F = false;

describe("countAgents()", () => {
  test("counts a queue's answer without what it cannot show", () => {
    const records = [
      { acceptQueueCalls: true, acceptCurrentQueueCalls: true },
      { acceptQueueCalls: false, acceptCurrentQueueCalls: true },
      { acceptQueueCalls: true, acceptCurrentQueueCalls: false },
      { acceptQueueCalls: true },
    ];
    expect(countAgents(records, "QUEUE")).toEqual({
      total: 4,
      available: 1,
      accepting: 2,
      doNotDisturb: 1,
      unknown: 1,
      optedOut: 1,
    });
  });

  test("is 0 everywhere when the queue is empty", () => {
    const zeros = { total: 0, available: 0, accepting: 0, doNotDisturb: 0, unknown: 0, optedOut: 0 };
    expect(countAgents([], "QUEUE")).toEqual(zeros);
    expect(countAgents([], "QUEUE_AND_EXTENSION")).toEqual({ ...zeros, onCall: 0, offline: 0 });
  });

  test("leaves out each count that is unknown of every agent", () => {
    expect(countAgents([{}, { acceptQueueCalls: null }], "QUEUE_AND_EXTENSION")).toEqual({ total: 2, unknown: 2 });
    expect(countAgents([{ acceptQueueCalls: true }], "QUEUE")).toEqual({ total: 1, doNotDisturb: 0, unknown: 1 });
    expect(countAgents([{ acceptCurrentQueueCalls: false }], "QUEUE")).toEqual({
      total: 1,
      available: 0,
      accepting: 0,
      optedOut: 1,
      unknown: 0,
    });
  });

  test("counts calls in progress and offline agents when presence is joined", () => {
    const free = { acceptCurrentQueueCalls: true, acceptQueueCalls: true };
    const records = [
      { ...free, telephonyStatus: "NoCall", presenceStatus: "Offline" },
      { ...free, telephonyStatus: "NoCall", aggregatedTelephonyStatus: "Ringing", presenceStatus: "Busy" },
      { ...free, telephonyStatus: "CallConnected", presenceStatus: "Busy" },
      free,
    ];
    expect(countAgents(records, "QUEUE_AND_EXTENSION")).toEqual({
      total: 4,
      available: 1,
      accepting: 4,
      doNotDisturb: 0,
      onCall: 2,
      offline: 1,
      unknown: 1,
      optedOut: 0,
    });
    expect(countAgents(records, "QUEUE")).toMatchObject({ available: 4, unknown: 0 });
  });
});

test.each<[JsonObject, Belonging]>([
  [{}, undefined],
  [{ acceptQueueCalls: true }, F],
  [{ acceptQueueCalls: false }, T],
  [{ acceptQueueCalls: "false" }, undefined],
  [{ acceptQueueCalls: true, dndStatus: "DoNotAcceptAnyCalls" }, T],
  [{ acceptQueueCalls: true, dndStatus: "DoNotAcceptDepartmentCalls" }, T],
  [{ dndStatus: "TakeAllCalls" }, F],
  [{ dndStatus: "TakeDepartmentCallsOnly" }, F],
  [{ dndStatus: "Unknown" }, undefined],
  [{ dndStatus: "TakeAllCalls", dndStatusPersonal: "DoNotAcceptAnyCalls" }, T],
  [{ dndStatusPersonal: "TakeAllCalls" }, F],
  [{ acceptCallQueueCalls: false, acceptQueueCalls: true }, T],
  [{ acceptCallQueueCalls: true }, F],
])("belongs.DO_NOT_DISTURB() of %j is %s", (record, expected) => {
  expect(belongs.DO_NOT_DISTURB(record, "QUEUE")).toBe(expected);
});

test.each<[JsonObject, Belonging, Belonging]>([
  [{ acceptCurrentQueueCalls: true, acceptQueueCalls: true, telephonyStatus: "NoCall" }, T, T],
  [{ acceptCurrentQueueCalls: true, acceptQueueCalls: true }, T, undefined],
  [{ acceptCurrentQueueCalls: true, acceptQueueCalls: true, telephonyStatus: "OnHold" }, T, F],
  [{ acceptCurrentQueueCalls: true, telephonyStatus: "NoCall" }, undefined, undefined],
  [{ acceptQueueCalls: true, telephonyStatus: "NoCall" }, undefined, undefined],
  [{ acceptCurrentQueueCalls: false }, F, F],
  [{ acceptQueueCalls: false }, F, F],
  [{ telephonyStatus: "Ringing" }, undefined, F],
  [{ aggregatedTelephonyStatus: "NoCall", telephonyStatus: "Ringing" }, undefined, undefined],
])("belongs.AVAILABLE() of %j is %s from the queue, %s joined", (record, queue, joined) => {
  expect(belongs.AVAILABLE(record, "QUEUE")).toBe(queue);
  expect(belongs.AVAILABLE(record, "QUEUE_AND_EXTENSION")).toBe(joined);
  expect(belongs.UNKNOWN(record, "QUEUE_AND_EXTENSION")).toBe(joined === undefined);
});
