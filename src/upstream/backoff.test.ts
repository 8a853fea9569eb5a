import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BackOffs } from "./backoff.ts";
import type { UpstreamFailure } from "./failure.ts";

const failure = (reason: UpstreamFailure["reason"], retryAfterMs?: number): UpstreamFailure => ({
  reason,
  message: `Cannot read: ${reason}`,
  scope: "question",
  retryAfterMs,
});

/** How long each of `count` failures in a row, each right after the back-off of the one before, keeps "q" away. */
function inARow(backOffs: BackOffs, what: UpstreamFailure, count: number, from = 0): number[] {
  let now = from;
  return Array.from({ length: count }, () => {
    const until = backOffs.open("q", what, now);
    const ms = until - now;
    now = until;
    return ms;
  });
}

describe("open()", () => {
  test.each<[UpstreamFailure["reason"], number[]]>([
    ["UPSTREAM_NOT_FOUND", [10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000]],
    ["UPSTREAM_PERMISSION_DENIED", [10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000]],
    ["UPSTREAM_UNAUTHENTICATED", [10_000, 20_000, 40_000, 60_000, 60_000, 60_000, 60_000]],
    ["UPSTREAM_TIMEOUT", [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]],
    ["UPSTREAM_BAD_RESPONSE", [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]],
    ["UPSTREAM_UNAVAILABLE", [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]],
    ["UPSTREAM_RATE_LIMITED", [60_000, 60_000, 60_000, 60_000, 60_000, 60_000, 60_000]],
  ])("keeps %s away for %j ms", (reason, expected) => {
    expect(inARow(new BackOffs(), failure(reason), 7)).toEqual(expected);
  });

  test("waits as long as RingCentral asks, however often it failed before", () => {
    const backOffs = new BackOffs();
    inARow(backOffs, failure("UPSTREAM_UNAVAILABLE"), 4);
    expect(backOffs.open("q", failure("UPSTREAM_UNAVAILABLE", 120_000), 50_000)).toBe(170_000);
    expect(backOffs.open("b", failure("UPSTREAM_RATE_LIMITED", 30_000), 0)).toBe(30_000);
  });

  test("counts reads that fail together once", () => {
    const backOffs = new BackOffs();
    const together = Array.from({ length: 20 }, () => backOffs.open("q", failure("UPSTREAM_UNAVAILABLE"), 0));
    expect(new Set(together)).toEqual(new Set([250]));
    expect(backOffs.open("q", failure("UPSTREAM_UNAVAILABLE"), 250)).toBe(750);
  });

  test("counts each key and each kind of failure by itself", () => {
    const backOffs = new BackOffs();
    inARow(backOffs, failure("UPSTREAM_TIMEOUT"), 3);
    expect(backOffs.open("q", failure("UPSTREAM_NOT_FOUND"), 9_000)).toBe(19_000);
    expect(backOffs.open("other", failure("UPSTREAM_TIMEOUT"), 9_000)).toBe(9_250);
  });

  test("prolongs a penalty when RingCentral counts another call, and never shortens one", () => {
    const backOffs = new BackOffs();
    backOffs.open("b", failure("UPSTREAM_RATE_LIMITED"), 0);
    expect(backOffs.open("b", failure("UPSTREAM_RATE_LIMITED", 30_000), 1_000)).toBe(60_000);
    expect(backOffs.open("b", failure("UPSTREAM_RATE_LIMITED", 60_000), 2_000)).toBe(62_000);
  });

  test("never ends before RingCentral's Retry-After when anything happens around it", () => {
    const reasons = ["UPSTREAM_RATE_LIMITED", "UPSTREAM_UNAVAILABLE", "UPSTREAM_NOT_FOUND"] as const;
    const step = fc.record({
      wait: fc.nat(20_000),
      act: fc.constantFrom("open", "succeeded", "forgive"),
      reason: fc.constantFrom(...reasons),
      retryAfterMs: fc.option(fc.integer({ min: 1, max: 90_000 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const backOffs = new BackOffs();
        let now = 0;
        let promised = 0;
        for (const { wait, act, reason, retryAfterMs } of steps) {
          now += wait;
          if (act === "open") {
            const until = backOffs.open("k", failure(reason, retryAfterMs), now);
            if (retryAfterMs !== undefined) promised = Math.max(promised, now + retryAfterMs);
            expect(until).toBeGreaterThanOrEqual(now + (retryAfterMs ?? 0));
          } else backOffs[act](["k"]);
          if (promised > now) expect(backOffs.blocked(["k"], now)?.until ?? 0).toBeGreaterThanOrEqual(promised);
        }
      }),
    );
  });
});

describe("blocked()", () => {
  test("gives the back-off that ends last, and none once all have ended", () => {
    const backOffs = new BackOffs();
    const missing = failure("UPSTREAM_NOT_FOUND");
    backOffs.open("q", missing, 0);
    backOffs.open("c", failure("UPSTREAM_UNAVAILABLE"), 0);
    expect(backOffs.blocked(["c", "q", "b"], 0)).toEqual({ failure: missing, until: 10_000 });
    expect(backOffs.blocked(["c"], 249)?.until).toBe(250);
    expect(backOffs.blocked(["c"], 250)).toBeUndefined();
    expect(backOffs.blocked(["q"], 10_000)).toBeUndefined();
    expect(backOffs.blocked(["b"], 0)).toBeUndefined();
  });
});

describe("succeeded()", () => {
  test("begins the doubling anew when a read succeeds", () => {
    const backOffs = new BackOffs();
    inARow(backOffs, failure("UPSTREAM_TIMEOUT"), 5);
    backOffs.succeeded(["q", "c"]);
    expect(inARow(backOffs, failure("UPSTREAM_TIMEOUT"), 2, 60_000)).toEqual([250, 500]);
  });
});

describe("forgive()", () => {
  test("ends a back-off and its doubling when its cause may be cured", () => {
    const backOffs = new BackOffs();
    inARow(backOffs, failure("UPSTREAM_UNAUTHENTICATED"), 3);
    backOffs.forgive(["q"]);
    expect(backOffs.blocked(["q"], 31_000)).toBeUndefined();
    expect(backOffs.open("q", failure("UPSTREAM_UNAUTHENTICATED"), 31_000)).toBe(41_000);
  });

  test("keeps a penalty and what RingCentral asked for", () => {
    const backOffs = new BackOffs();
    backOffs.open("b", failure("UPSTREAM_RATE_LIMITED"), 0);
    backOffs.open("c", failure("UPSTREAM_UNAVAILABLE", 20_000), 0);
    backOffs.open("c", failure("UPSTREAM_UNAVAILABLE"), 1_000);
    backOffs.open("c", failure("UPSTREAM_UNAUTHENTICATED"), 15_000);
    backOffs.forgive(["b", "c"]);
    expect(backOffs.blocked(["b"], 59_999)?.until).toBe(60_000);
    expect(backOffs.blocked(["c"], 16_000)?.until).toBe(20_000);
  });
});

describe("BackOffs", () => {
  test("forgets keys when they have long been left alone", () => {
    const backOffs = new BackOffs();
    for (let i = 0; i < 1_000; i++) backOffs.open(`q${i}`, failure("UPSTREAM_TIMEOUT"), i);
    expect(backOffs.size).toBe(1_000);
    backOffs.blocked(["q"], 3_600_000);
    expect(backOffs.size).toBe(0);
  });
});
