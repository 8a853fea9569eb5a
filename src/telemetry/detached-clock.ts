import { context, ROOT_CONTEXT } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";

/**
 * A clock whose timers run in no caller's name. What goes on for everybody, such as scheduled reads and push, would
 * otherwise log and trace for good as the call that happened to begin it.
 */
export function detachedClock(clock: Clock): Clock {
  return {
    now: () => clock.now(),
    after: (ms, then) => clock.after(ms, () => context.with(ROOT_CONTEXT, then)),
  };
}
