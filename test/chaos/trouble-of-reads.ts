import type { Fault } from "../../simulator/faults.ts";
import { BUDGET } from "./losing.ts";
import type { Trouble } from "./trouble.ts";

const ALWAYS = Number.POSITIVE_INFINITY;

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

/** Calls that come to nothing, or take long. */
export const READS: readonly Trouble[] = [
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
];
