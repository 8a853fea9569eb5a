import { expect, test } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { FieldOrder } from "./push-order.ts";

const event = (sequence: number | undefined, presence: object) =>
  ({ kind: "extension", extensionId: "9", presence, sequence }) as const;

test("admit() takes from a late event what a later one has told", () => {
  const order = new FieldOrder(new TestClock());
  const told = (sequence: number, presence: object) => order.admit(event(sequence, presence));
  expect(told(5, { presenceStatus: "Busy" })).toEqual(event(5, { presenceStatus: "Busy" }));
  expect(told(4, { presenceStatus: "Available" })).toBeUndefined();
  expect(told(3, { presenceStatus: "Available", dndStatus: "TakeAllCalls" })).toEqual(
    event(3, { dndStatus: "TakeAllCalls" }),
  );
  expect(told(5, { presenceStatus: "Busy" })).toEqual(event(5, { presenceStatus: "Busy" }));
});

test("admit() leaves alone what has no sequence, and other extensions", () => {
  const order = new FieldOrder(new TestClock());
  order.admit(event(5, { presenceStatus: "Busy" }));
  const unordered = event(undefined, { presenceStatus: "Available" });
  const other = { ...event(1, { presenceStatus: "Available" }), extensionId: "8" };
  expect([order.admit(unordered), order.admit(other)]).toEqual([unordered, other]);
});

test("admit() believes a lower sequence when it comes too late to have been overtaken, or was told to forget", async () => {
  const clock = new TestClock();
  const order = new FieldOrder(clock);
  const first = event(1, { presenceStatus: "Available" });
  order.admit(event(5, { presenceStatus: "Busy" }));
  await clock.advance(5_001);
  expect(order.admit(first)).toEqual(first);
  order.admit(event(5, { presenceStatus: "Busy" }));
  order.forget();
  expect(order.admit(first)).toEqual(first);
});
