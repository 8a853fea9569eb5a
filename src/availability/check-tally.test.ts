import { expect, test, vi } from "vitest";
import { TestClock } from "../lib/test-clock.ts";
import { CheckTally, MINUTE_MS } from "./check-tally.ts";

const T = Date.UTC(2026, 0, 5, 10, 41);

function tallyAt(now = T) {
  const clock = new TestClock(now);
  const onMinute = vi.fn<() => void>();
  const onDropped = vi.fn<(rows: number) => void>();
  return { clock, onMinute, onDropped, tally: new CheckTally({ clock, onMinute, onDropped }) };
}

const met = { destinationId: "sales", reason: "CRITERIA_MET", accepted: true } as const;
const late = { destinationId: "sales", reason: "NOT_IN_TIME", accepted: false } as const;
const lastKnown = { ...late, accepted: true };
const other = { ...met, destinationId: "support" };
const all = { from: 0, to: Number.MAX_SAFE_INTEGER };

test("count() counts by minute, destination and reason, and how many were accepted", async () => {
  const { clock, tally } = tallyAt(T + 30_000);
  for (const answer of [met, met, late, lastKnown, other]) tally.count(answer);
  await clock.advance(30_000);
  tally.count(met);
  expect(tally.of("sales", all)).toEqual([
    { destinationId: "sales", minute: T, reason: "CRITERIA_MET", count: 2, accepted: 2 },
    { destinationId: "sales", minute: T, reason: "NOT_IN_TIME", count: 2, accepted: 1 },
    { destinationId: "sales", minute: T + MINUTE_MS, reason: "CRITERIA_MET", count: 1, accepted: 1 },
  ]);
  expect(tally.of("sales", { from: T + 1, to: T + MINUTE_MS })).toEqual([]);
  expect(tally.of("sales", { from: T, to: T + 1 })).toHaveLength(2);
  expect(tally.of("nobody", all)).toEqual([]);
});

test("onMinute() is called when a minute with checks ended, and no timer runs without checks", async () => {
  const { clock, tally, onMinute } = tallyAt(T + 59_000);
  expect(clock.pending).toBe(0);
  tally.count(met);
  expect(tally.waits).toBe(false);
  await clock.advance(999);
  expect(onMinute).not.toHaveBeenCalled();
  await clock.advance(1);
  expect(onMinute).toHaveBeenCalledTimes(1);
  expect([tally.waits, clock.pending]).toEqual([true, 0]);
});

test("take() takes what ended, some destinations at a time, and putBack() undoes it", async () => {
  const { clock, tally } = tallyAt();
  for (const answer of [met, late, other]) tally.count(answer);
  expect(tally.take(10)).toEqual([]);
  await clock.advance(MINUTE_MS);
  tally.count(met);
  await clock.advance(MINUTE_MS);
  const first = tally.take(1);
  expect(first.map(({ destinationId, minute }) => [destinationId, minute])).toEqual([
    ["sales", T],
    ["sales", T],
  ]);
  expect(tally.take(10).map(({ destinationId, minute }) => [destinationId, minute])).toEqual([
    ["support", T],
    ["sales", T + MINUTE_MS],
  ]);
  expect(tally.waits).toBe(false);
  tally.putBack(first);
  tally.putBack(first.slice(0, 1));
  expect(tally.of("sales", all).map(({ count }) => count)).toEqual([2, 1]);
  expect(tally.take(10)).toHaveLength(2);
});

test("endMinute() ends the present minute, and does nothing when there is none", () => {
  const { clock, tally, onMinute } = tallyAt();
  tally.endMinute();
  expect(onMinute).not.toHaveBeenCalled();
  tally.count(met);
  tally.endMinute();
  expect([tally.take(10).length, clock.pending]).toEqual([1, 0]);
});

test("the oldest minutes are dropped when nobody takes them", async () => {
  const { clock, tally, onDropped } = tallyAt();
  for (let minute = 0; minute < 7; minute++) {
    tally.count(met);
    if (minute === 0) tally.count(late);
    await clock.advance(MINUTE_MS);
  }
  expect(onDropped.mock.calls).toEqual([[2], [1]]);
  expect(tally.of("sales", all).map(({ minute }) => (minute - T) / MINUTE_MS)).toEqual([2, 3, 4, 5, 6]);
});
