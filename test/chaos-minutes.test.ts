import { expect, test } from "vitest";
import { playHour } from "./chaos/hour.ts";
import { claims } from "./chaos/report.ts";
import { MINUTES } from "./chaos/script.ts";

// The short form of test/chaos/hour.test.ts, over several sockets.
test("every answer in five minutes of trouble is right within its age, or undecided for a reason that is there", {
  timeout: 60_000,
}, async () => {
  const minutes = await playHour({ seconds: 300, troubles: MINUTES, seed: 2, naive: false, filtersPerSocket: 20 });
  expect(minutes.faults.join("\n\n")).toBe("");
  expect(Object.entries(claims(minutes, MINUTES)).filter(([, count]) => count > 0)).toEqual([]);
  expect(minutes.service.tally.decided).toBeGreaterThan(1_500);
});
