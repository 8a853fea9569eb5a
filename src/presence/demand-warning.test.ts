import { expect, test } from "vitest";
import { type ConfiguredDemand, demandWarning } from "./demand-warning.ts";

/** What so many queues, each asked for every `maxAgeMs`, ask of a limit of so many calls a minute. */
function demandOf(queues: number, maxAgeMs: number, limitPerMinute: number): ConfiguredDemand {
  const worstAgeMs = (queues * 60_000) / (0.8 * limitPerMinute);
  return { queues, maxAgeMs, readsPerMinute: (queues * 60_000) / maxAgeMs, limitPerMinute, worstAgeMs };
}

const said = (...demand: Parameters<typeof demandOf>) => demandWarning(demandOf(...demand), "connection")?.description;

test("demandWarning() says what to expect when polling cannot keep answers as new as is wanted", () => {
  expect(demandWarning(demandOf(400, 10_000, 50), "connection")).toEqual({
    field: "connection",
    reason: "DEMAND_EXCEEDS_LIMIT",
    description: "400 queues at 10 s need 2,400 reads a minute, the limit is 50: expect 10 min without push",
  });
  expect(said(1, 250, 50)).toBe("1 queue at 250 ms needs 240 reads a minute, the limit is 50: expect 2 s without push");
});

test("demandWarning() is silent when the limit suffices, and when nothing is asked", () => {
  expect(said(6, 10_000, 50)).toBeUndefined();
  expect(said(0, Number.POSITIVE_INFINITY, 50)).toBeUndefined();
});

test("demandWarning() warns of a max_age of 0, which no number of reads can keep", () => {
  const demand = { ...demandOf(1, 10_000, 50), maxAgeMs: 0, readsPerMinute: Number.POSITIVE_INFINITY };
  expect(demandWarning(demand, "connection")?.description).toContain("needs endless reads a minute");
});
