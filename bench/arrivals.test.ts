import { expect, test } from "vitest";
import { Arrivals } from "./arrivals.ts";

function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

test("expect() gives when the news first came by each way, of that queue alone", async () => {
  const arrivals = new Arrivals(["socket", "watch"]);
  arrivals.came("watch", "7");
  const start = now();
  const arrived = arrivals.expect("7", 10_000);
  arrivals.came("watch", "8");
  arrivals.came("socket", "7");
  const between = now();
  arrivals.came("socket", "7");
  arrivals.came("watch", "7");
  const { socket, watch } = await arrived;
  expect([start, socket, between, watch].toSorted((a, b) => a - b)).toEqual([start, socket, between, watch]);
});

test("expect() names the ways by which nothing came in time", async () => {
  const arrivals = new Arrivals(["socket", "watch"]);
  const arrived = arrivals.expect("7", 1);
  arrivals.came("socket", "7");
  await expect(arrived).rejects.toThrow("Cannot measure news of queue 7: none by watch in 1 ms");
});
