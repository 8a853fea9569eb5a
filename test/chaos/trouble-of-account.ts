import { BUDGET, loseEverything } from "./losing.ts";
import type { Trouble } from "./trouble.ts";

const ALWAYS = Number.POSITIVE_INFINITY;

/** What RingCentral does not show, and who is in a queue. */
export const ACCOUNT: readonly Trouble[] = [
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
