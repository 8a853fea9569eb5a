import type { Scene } from "./trouble.ts";

// 30 queues and their agents are about 35 calls: after a loss of everything they fit into one minute of 50.
export const BUDGET = ["UPSTREAM_RATE_LIMITED", "NOT_IN_TIME"] as const;

/** Push is gone, and what it told is not to be had again: everything is read anew. */
export function loseEverything({ simulator, next }: Scene, how: "clean" | "abrupt" = "abrupt"): void {
  // Nobody comes back before the sessions are forgotten, which they are when their sockets are gone.
  simulator.switches.gateway = "unavailable";
  simulator.gateway.cut(how);
  next(() => {
    simulator.gateway.forgetSessions();
    simulator.switches.gateway = "up";
  });
}
