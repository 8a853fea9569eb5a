import { expect, test } from "vitest";
import { byTurns } from "./by-turns.ts";

test("byTurns() calls the two by turns, waits for what is not known at once, and says what one call took", async () => {
  const calls: string[] = [];
  const one = () => calls.push("one");
  const other = async () => {
    calls.push("asked");
    await new Promise(setImmediate);
    calls.push("answered");
  };
  const turns = await byTurns(one, other, 40);
  expect(turns.one + turns.other).toBeGreaterThan(0);
  const order = calls.join(" ");
  expect(order).toMatch(/^(one )+(asked answered )+(one )+/);
  expect(order.replaceAll("asked answered", "")).not.toMatch(/asked|answered/);
});
