import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { CallLog } from "./call-log.ts";

const call = (attempt: number): UpstreamCall => ({
  at: attempt,
  method: "GET",
  path: "/",
  status: 200,
  tookMs: 1,
  reason: undefined,
  rcRequestId: undefined,
  traceId: "",
  attempt,
});

function logOf(count: number): CallLog {
  const log = new CallLog();
  for (let n = 1; n <= count; n++) log.add(call(n));
  return log;
}

describe("CallLog.page()", () => {
  test("gives the newest hundred, newest first, when more were made", () => {
    const { calls, next } = logOf(150).page({ size: 1000 });
    expect([calls.length, calls[0]?.attempt, calls[99]?.attempt, next]).toEqual([100, 150, 51, undefined]);
  });

  test("gives nothing when none was made", () => {
    expect(logOf(0).page({ size: 10 })).toEqual({ calls: [], next: undefined });
  });

  test("leaves out none and gives none twice when pages are turned while calls are made", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 20 }),
        fc.nat(3),
        (count, size, between) => {
          const log = logOf(count);
          const seen: number[] = [];
          let before: number | undefined;
          do {
            const page = log.page({ before, size });
            seen.push(...page.calls.map(({ attempt }) => attempt));
            before = page.next;
            for (let n = 0; n < between; n++) log.add(call(1000));
          } while (before !== undefined);
          const kept = Array.from({ length: count }, (_, index) => count - index);
          // What fell out of the hundred meanwhile is gone; the rest comes in order.
          expect(seen).toEqual(kept.slice(0, seen.length));
          if (between === 0) expect(seen).toEqual(kept);
        },
      ),
    );
  });
});
