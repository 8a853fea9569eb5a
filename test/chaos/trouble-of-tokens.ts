import { BUDGET, loseEverything } from "./losing.ts";
import type { Trouble } from "./trouble.ts";

const ALWAYS = Number.POSITIVE_INFINITY;

/** Limits of calls, and tokens that end. */
export const LIMITS_AND_TOKENS: readonly Trouble[] = [
  {
    name: "nothing is known yet",
    at: 0,
    lasts: 5,
    feltFor: 65,
    reasons: BUDGET,
    begin: () => {},
  },
  {
    name: "a 429 with Retry-After",
    at: 150,
    lasts: 1,
    feltFor: 100,
    reasons: BUDGET,
    begin(scene) {
      scene.simulator.faults.add({ kind: "rate-limited" });
      loseEverything(scene);
    },
  },
  {
    name: "a 429 of the edge, without headers",
    at: 330,
    lasts: 1,
    feltFor: 100,
    reasons: BUDGET,
    begin(scene) {
      scene.simulator.faults.add({ kind: "rate-limited-at-edge" });
      loseEverything(scene);
    },
  },
  {
    name: "the limit is lowered to 20, then push is lost",
    at: 500,
    lasts: 220,
    feltFor: 60,
    reasons: BUDGET,
    refusals: 1,
    begin: ({ simulator, limited }) => {
      if (limited) simulator.limits.setLimit("light", 20);
    },
    end: ({ simulator, limited }) => {
      if (limited) simulator.limits.setLimit("light", 50);
    },
  },
  {
    name: "push is lost under the lower limit",
    at: 620,
    lasts: 1,
    feltFor: 170,
    reasons: BUDGET,
    begin: (scene) => loseEverything(scene),
  },
  {
    name: "all access tokens end",
    at: 840,
    lasts: 1,
    feltFor: 75,
    reasons: BUDGET,
    begin(scene) {
      scene.simulator.oauth.expireToken();
      loseEverything(scene);
    },
  },
  {
    name: "the session is revoked",
    at: 960,
    lasts: 1,
    feltFor: 75,
    reasons: BUDGET,
    begin(scene) {
      scene.simulator.oauth.expireSession();
      loseEverything(scene);
    },
  },
  {
    name: "the token ends, and the token endpoint is down",
    at: 1080,
    lasts: 60,
    feltFor: 120,
    reasons: [...BUDGET, "UPSTREAM_UNAVAILABLE", "UPSTREAM_UNAUTHENTICATED"],
    begin(scene) {
      scene.simulator.faults.add({ kind: "proxy-error", status: 503, on: "token", times: ALWAYS });
      scene.simulator.oauth.expireToken();
      loseEverything(scene);
    },
    end: ({ simulator }) => simulator.faults.clear(),
  },
  {
    name: "a sixth login evicts the session",
    at: 1290,
    lasts: 1,
    feltFor: 75,
    reasons: BUDGET,
    begin(scene) {
      for (let login = 0; login < 6; login++) scene.simulator.oauth.issue();
      loseEverything(scene);
    },
  },
];
