import type { Tally } from "./check-load.ts";
import type { Figure } from "./figure.ts";

export const ECONOMY = "upstream-economy";

/** Everything that is asked over HTTP, tokens included. */
export const REST = [
  ...["token", "wstoken", "queue-presence", "extension-presence", "account-presence", "call-queue-presence"],
  ...["call-queues", "call-queue", "members", "unknown"],
];

/** UNDECIDED answers, of which there should be none. */
export function undecidedOf(what: string, { answered, decided, undecided, tooOld }: Tally): Figure {
  return {
    scenario: ECONOMY,
    name: `${what}: UNDECIDED`,
    value: answered - decided,
    unit: "",
    goal: { atMost: 0 },
    more: { answers: answered, "older than max_age": tooOld, ...undecided },
  };
}
