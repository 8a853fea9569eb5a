import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { FanOut } from "./fan-out.ts";

test("add() writes soon, never at once, in the order of adding", async () => {
  const fanOut = new FanOut();
  const written: number[] = [];
  for (const id of [1, 2, 3]) fanOut.add(() => written.push(id));
  expect(written).toEqual([]);
  await turn();
  expect(written).toEqual([1, 2, 3]);
});

test("what is added while others are written has its turn behind them", async () => {
  const fanOut = new FanOut();
  const written: string[] = [];
  fanOut.add(() => {
    written.push("first");
    fanOut.add(() => written.push("again"));
  });
  fanOut.add(() => written.push("second"));
  await turn();
  expect(written).toEqual(["first", "second", "again"]);
  fanOut.add(() => written.push("later"));
  await turn();
  expect(written.at(-1)).toBe("later");
});

test("everything else has a turn in between when writing takes long", async () => {
  const fanOut = new FanOut();
  let written = 0;
  for (let stream = 0; stream < 64; stream++) {
    fanOut.add(() => {
      for (const end = performance.now() + 0.5; performance.now() < end; );
      written++;
    });
  }
  const seen: number[] = [];
  while (written < 64) {
    await turn();
    seen.push(written);
  }
  expect(seen.length).toBeGreaterThan(2);
  expect(seen[0]).toBeLessThan(64);
});
