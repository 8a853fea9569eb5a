import type { Fault } from "../../simulator/faults.ts";
import type { Scene, Trouble } from "./trouble.ts";

// What goes wrong in the hour, in order, with quiet stretches between: first limits, then tokens, then calls, then push, then
// what RingCentral shows and who is in a queue. A trouble of calls cuts push as well: while push is well, few calls are made.

const ALWAYS = Number.POSITIVE_INFINITY;
/** Push is gone, and what it told is not to be had again: everything is read anew. */
function loseEverything({ simulator, next }: Scene, how: "clean" | "abrupt" = "abrupt"): void {
  // Nobody comes back before the sessions are forgotten, which they are when their sockets are gone.
  simulator.switches.gateway = "unavailable";
  simulator.gateway.cut(how);
  next(() => {
    simulator.gateway.forgetSessions();
    simulator.switches.gateway = "up";
  });
}

/** A fault of the calls that read presence, with push lost at its beginning and not to be had while it lasts. */
function ofReads(...faults: Fault[]): Pick<Trouble, "begin" | "end"> {
  const on = ["queue-presence", "extension-presence", "account-presence"] as const;
  return {
    begin(scene) {
      scene.simulator.faults.add(...faults.map((fault) => ({ ...fault, on })));
      scene.simulator.switches.gateway = "unavailable";
      scene.simulator.gateway.cut("abrupt");
    },
    end({ simulator }) {
      simulator.faults.clear();
      simulator.faults.release();
      simulator.switches.gateway = "up";
    },
  };
}

// 30 queues and their agents are about 35 calls: after a loss of everything they fit into one minute of 50.
const BUDGET = ["UPSTREAM_RATE_LIMITED", "NOT_IN_TIME"] as const;

export const HOUR: readonly Trouble[] = [
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
    begin: ({ simulator }) => simulator.limits.setLimit("light", 20),
    end: ({ simulator }) => simulator.limits.setLimit("light", 50),
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
  {
    name: "connections are reset",
    at: 1400,
    lasts: 40,
    feltFor: 90,
    reasons: [...BUDGET, "UPSTREAM_UNAVAILABLE"],
    ...ofReads({ kind: "reset", times: ALWAYS }),
  },
  {
    name: "slow bodies",
    at: 1560,
    lasts: 40,
    feltFor: 90,
    reasons: [...BUDGET, "UPSTREAM_TIMEOUT"],
    ...ofReads({ kind: "slow-body", ms: 3_000, times: ALWAYS }),
  },
  {
    name: "no answers",
    at: 1720,
    lasts: 40,
    feltFor: 90,
    reasons: [...BUDGET, "UPSTREAM_TIMEOUT"],
    ...ofReads({ kind: "hang", times: ALWAYS }),
  },
  {
    name: "bodies are cut",
    at: 1880,
    lasts: 40,
    feltFor: 90,
    reasons: [...BUDGET, "UPSTREAM_UNAVAILABLE", "UPSTREAM_BAD_RESPONSE"],
    ...ofReads({ kind: "cut-body", times: ALWAYS }),
  },
  // A short gap is recovered without a reading.
  {
    name: "sockets are closed",
    at: 2030,
    lasts: 1,
    feltFor: 20,
    reasons: BUDGET,
    begin: ({ simulator }) => simulator.gateway.cut("clean"),
  },
  {
    name: "sockets break off",
    at: 2090,
    lasts: 1,
    feltFor: 20,
    reasons: BUDGET,
    begin: ({ simulator }) => simulator.gateway.cut("abrupt"),
  },
  {
    name: "sockets fall silent",
    at: 2150,
    lasts: 1,
    feltFor: 90,
    reasons: BUDGET,
    begin: ({ simulator }) => simulator.gateway.cut("silent"),
  },
  {
    name: "five news are lost",
    at: 2250,
    lasts: 10,
    feltFor: 60,
    reasons: [],
    losesNews: true,
    begin: ({ simulator }) => simulator.gateway.dropNext(5),
  },
  {
    name: "REST up, WebSocket down",
    at: 2320,
    lasts: 140,
    feltFor: 130,
    reasons: BUDGET,
    begin({ simulator }) {
      simulator.switches.gateway = "unavailable";
      simulator.gateway.cut("abrupt");
    },
    end: ({ simulator }) => {
      simulator.switches.gateway = "up";
    },
  },
  {
    name: "news come 1.5 s late",
    at: 2600,
    lasts: 60,
    feltFor: 5,
    reasons: [],
    newsLate: 1.5,
    begin: ({ simulator }) => {
      simulator.switches.newsDelayMs = 1_500;
    },
    end: ({ simulator }) => {
      simulator.switches.newsDelayMs = 0;
    },
  },
  {
    name: "news come out of order",
    at: 2680,
    lasts: 60,
    feltFor: 10,
    reasons: [],
    newsLate: 5,
    every: 3,
    begin: ({ simulator }) => simulator.gateway.reorderNext(3),
  },
  {
    name: "maintenance",
    at: 2780,
    lasts: 60,
    feltFor: 120,
    reasons: [...BUDGET, "UPSTREAM_UNAVAILABLE"],
    begin(scene) {
      scene.simulator.switches.maintenance = { retryAfter: 30 };
      loseEverything(scene, "clean");
    },
    end: ({ simulator }) => {
      simulator.switches.maintenance = null;
    },
  },
  {
    name: "members come and go",
    at: 2960,
    lasts: 60,
    feltFor: 300,
    reasons: [],
    begin({ simulator, truths }) {
      const { world } = simulator;
      for (const [index, queueId] of world.queueIds.slice(0, 6).entries()) {
        const members = world.queue(queueId).members.map(({ agent }) => agent.id);
        if (index % 2 === 0) truths.move(queueId, { remove: members[0]! });
        else truths.move(queueId, { add: world.agents.find(({ id }) => !members.includes(id))!.id });
      }
    },
  },
  {
    name: "extension presence is forbidden",
    at: 3070,
    lasts: 40,
    feltFor: 120,
    reasons: [...BUDGET, "UPSTREAM_PERMISSION_DENIED"],
    begin(scene) {
      const on = ["extension-presence", "account-presence"] as const;
      scene.simulator.faults.add({ kind: "forbidden", on, times: ALWAYS });
      loseEverything(scene);
    },
    end: ({ simulator }) => simulator.faults.clear(),
  },
  {
    name: "ten agents hide their presence",
    at: 3300,
    lasts: 300,
    feltFor: 0,
    reasons: [...BUDGET, "PRESENCE_UNKNOWN", "UPSTREAM_PERMISSION_DENIED"],
    hides: true,
    begin(scene) {
      const { world } = scene.simulator;
      for (const { id } of world.agents.slice(0, 10)) world.change(id, { allowSeeMyPresence: false });
      loseEverything(scene);
    },
  },
];

/** A trouble of the hour at another time. */
function again(name: string, at: number): Trouble {
  const trouble = HOUR.find((one) => one.name === name);
  if (!trouble) throw new Error(`Cannot play "${name}" again: it is not in the hour`);
  return { ...trouble, at };
}

/** Five minutes of it. */
export const MINUTES: readonly Trouble[] = [
  again("nothing is known yet", 0),
  again("a 429 with Retry-After", 80),
  again("sockets break off", 190),
  again("connections are reset", 230),
];
