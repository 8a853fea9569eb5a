import { describe, expect, test } from "vitest";
import type { ExtensionPresence } from "../push/push-event.ts";
import { ExtensionRow } from "./extension-row.ts";

function row(read: ExtensionPresence | undefined, told: ExtensionPresence = {}): ExtensionRow {
  const row = new ExtensionRow();
  if (read) row.read(read, 100);
  row.tell(told, 150);
  return row;
}

describe("takesQueueCalls()", () => {
  test.each<[string, ExtensionPresence, boolean | undefined]>([
    ["DoNotAcceptAnyCalls", { dndStatus: "DoNotAcceptAnyCalls" }, false],
    ["DoNotAcceptDepartmentCalls", { dndStatus: "DoNotAcceptDepartmentCalls" }, false],
    ["TakeAllCalls", { dndStatus: "TakeAllCalls" }, true],
    ["Do Not Disturb of the new call handling", { dndStatusPersonal: "DoNotAcceptAnyCalls" }, false],
    ["no queue calls", { dndStatusPersonal: "TakeAllCalls", acceptCallQueueCalls: false }, false],
    ["queue calls", { dndStatusPersonal: "TakeAllCalls", acceptCallQueueCalls: true }, true],
  ])("is what a newer read says when that is %s", (_name, presence, expected) => {
    expect(row(presence).takesQueueCalls(!expected, 50)).toEqual({ value: expected, at: 100, settled: true });
    expect(row(presence).takesQueueCalls(!expected, 110)).toEqual({ value: !expected, at: 110, settled: true });
    const told = row(undefined, presence).takesQueueCalls(expected, 120);
    expect(told).toEqual({ value: expected, at: 120, settled: true });
  });

  test("follows an event that is newer than both reads", () => {
    const dnd = row({ dndStatus: "TakeAllCalls" }, { dndStatus: "DoNotAcceptDepartmentCalls" });
    expect(dnd.takesQueueCalls(true, 120)).toEqual({ value: false, at: 120, settled: true });
    expect(dnd.takesQueueCalls(true, 50)).toEqual({ value: false, at: 100, settled: true });
    expect(dnd.takesQueueCalls(true, 160).value).toBe(true);
  });

  test("is kept by no event when the extension may not be seen", () => {
    const hidden = new ExtensionRow();
    hidden.read({ reason: "hidden", until: 1_000 }, 100);
    expect(hidden.takesQueueCalls(true, 120)).toEqual({ value: true, at: 120, settled: false });
    hidden.read({ dndStatus: "TakeAllCalls" }, 130);
    expect(hidden.takesQueueCalls(true, 120)).toEqual({ value: true, at: 130, settled: true });
  });

  test("is not known when events tell but a part of good news", () => {
    const half = { dndStatusPersonal: "TakeAllCalls" };
    expect(row(undefined, half).takesQueueCalls(false, 120)).toEqual({ value: undefined, at: 120, settled: false });
    expect(row(undefined, half).takesQueueCalls(true, 120)).toEqual({ value: true, at: 120, settled: true });
    const whole = { ...half, acceptCallQueueCalls: true };
    expect(row(undefined, whole).takesQueueCalls(false, 120)).toEqual({ value: true, at: 120, settled: true });
    // The row's own read says why it was refused.
    const personal = { dndStatusPersonal: "DoNotAcceptAnyCalls", acceptCallQueueCalls: true };
    expect(row(personal, half).takesQueueCalls(false, 50)).toEqual({ value: true, at: 100, settled: true });
    const queues = { dndStatusPersonal: "DoNotAcceptAnyCalls", acceptCallQueueCalls: false };
    expect(row(queues, half).takesQueueCalls(false, 50)).toEqual({ value: false, at: 100, settled: true });
  });

  test("says nothing new when nothing is said of Do Not Disturb", () => {
    expect(row({ dndStatus: "Unknown" }).takesQueueCalls(false, 50)).toEqual({ value: false, at: 50, settled: true });
    expect(row({}, { telephonyStatus: "Ringing" }).takesQueueCalls(undefined, 50)).toEqual({
      value: undefined,
      at: 50,
      settled: true,
    });
  });

  test("is not known after a toggle to Available, which resets DoNotAcceptDepartmentCalls, until that is told or read", () => {
    const toggled = row({ userStatus: "Busy", dndStatus: "DoNotAcceptDepartmentCalls" }, { userStatus: "Available" });
    expect(toggled.takesQueueCalls(false, 50)).toEqual({ value: undefined, at: 100, settled: false });
    expect(toggled.presence).toEqual({ userStatus: "Available" });
    expect(toggled.settled).toBe(false);
    toggled.tell({ userStatus: "Available", dndStatus: "DoNotAcceptDepartmentCalls" }, 160);
    expect(toggled.takesQueueCalls(false, 50).value).toBe(false);
    expect(toggled.presence).toEqual({ userStatus: "Available", dndStatus: "DoNotAcceptDepartmentCalls" });
    toggled.tell({ userStatus: "Busy" }, 170);
    toggled.tell({ userStatus: "Available" }, 180);
    expect(toggled.settled).toBe(false);
    toggled.read({ userStatus: "Available", dndStatus: "TakeAllCalls" }, 190);
    expect(toggled.takesQueueCalls(false, 50)).toEqual({ value: true, at: 190, settled: true });
    expect(toggled.settled).toBe(true);
  });

  test("stays known when the status was Available before, or Do Not Disturb is told with it", () => {
    const dnd = { userStatus: "Available", dndStatus: "DoNotAcceptDepartmentCalls" };
    expect(row(dnd, { userStatus: "Available" }).takesQueueCalls(false, 50).value).toBe(false);
    expect(row({ ...dnd, userStatus: "Busy" }, dnd).takesQueueCalls(false, 50).value).toBe(false);
  });
});

describe("presence", () => {
  test("is what was read with what events told since, the same object while it is equal", () => {
    const it = row({ presenceStatus: "Available", telephonyStatus: "NoCall" }, { telephonyStatus: "Ringing" });
    const shown = it.presence;
    expect(shown).toEqual({ presenceStatus: "Available", telephonyStatus: "Ringing" });
    expect(it.tell({ telephonyStatus: "Ringing" }, 160)).toBe(false);
    it.read({ presenceStatus: "Available", telephonyStatus: "Ringing" }, 170);
    expect(it.presence).toBe(shown);
    it.read({ presenceStatus: "Offline" }, 110);
    expect(it.presence).toBe(shown);
  });

  test("is unknown when nothing can be known, whatever events told before", () => {
    const it = row({ presenceStatus: "Available" });
    it.read({ reason: "gone", until: 1_000 }, 200);
    expect(it.presence).toBeUndefined();
    expect(it.unknowable).toEqual({ reason: "gone", until: 1_000 });
    it.read({ presenceStatus: "Busy" }, 300);
    expect(it.presence).toEqual({ presenceStatus: "Busy" });
    expect(it.unknowable).toBeUndefined();
  });
});
