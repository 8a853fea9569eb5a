import { context, createContextKey } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { detachedClock } from "./detached-clock.ts";

const KEY = createContextKey("who asks");

beforeAll(() => void context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable()));
afterAll(() => context.disable());

test("detachedClock() runs timers in nobody's name when a caller sets them", async () => {
  const seen = (clock: typeof systemClock) =>
    new Promise((resolve) => {
      context.with(context.active().setValue(KEY, "a caller"), () => {
        clock.after(0, () => resolve(context.active().getValue(KEY)));
      });
    });
  expect(await seen(systemClock)).toBe("a caller");
  expect(await seen(detachedClock(systemClock))).toBeUndefined();
});

test("detachedClock() cancels a timer, and tells the same time", () => {
  const clock = { now: () => 7, after: (_ms: number, _then: () => void) => () => cancelled++ };
  let cancelled = 0;
  const detached = detachedClock({ ...clock, after: (ms, then) => () => void clock.after(ms, then)() });
  expect(detached.now()).toBe(7);
  detached.after(1, () => {})();
  expect(cancelled).toBe(1);
});
