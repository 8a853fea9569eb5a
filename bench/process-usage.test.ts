import { expect, test } from "vitest";
import { usageOf } from "./process-usage.ts";

test("usageOf() gives processor time and memory as the process itself counts them", () => {
  const own = process.cpuUsage();
  const before = usageOf(process.pid);
  for (const end = performance.now() + 60; performance.now() < end; );
  const after = usageOf(process.pid);
  const spent = process.cpuUsage(own);
  const ownMs = (spent.user + spent.system) / 1000;
  // Steps of 10 ms in user and in kernel mode, at both ends.
  expect(Math.abs(after.cpuMs - before.cpuMs - ownMs)).toBeLessThanOrEqual(40);
  expect(after.cpuMs).toBeGreaterThan(before.cpuMs);
  expect(Math.abs(after.rssBytes / process.memoryUsage.rss() - 1)).toBeLessThan(0.2);
});
