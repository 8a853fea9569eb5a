import type { RequestRecord } from "../../simulator/request-log.ts";

type Group = "light" | "heavy" | "auth";

const GROUPS: Partial<Record<NonNullable<RequestRecord["on"]>, Group>> = {
  "queue-presence": "light",
  "extension-presence": "light",
  "call-queue-presence": "light",
  "account-presence": "heavy",
  token: "auth",
  wstoken: "auth",
};
const PENALTY_MS = 60_000;
const WINDOW_MS = 60_000;

/** What a client asked of RingCentral, as RingCentral counts it. */
export interface Upstream {
  readonly calls: number;
  readonly authCalls: number;
  /** 429 in all. */
  readonly refused: number;
  /** 429 that no fault of the script gave. */
  readonly refusedByLimit: number;
  /** Calls made within a minute after a 429 of their group. */
  readonly intoPenalty: readonly string[];
  /** The most calls in any 60 seconds. */
  readonly most: Readonly<Record<Group, number>>;
}

export function upstreamOf(requests: readonly RequestRecord[], origin: number): Upstream {
  const calls = requests.filter(({ on }) => on !== "connect" && on !== "subscribe");
  const refused = calls.filter(({ status }) => status === 429);
  const of = (group: Group) => calls.filter(({ on }) => on !== undefined && GROUPS[on] === group);
  const most = { light: mostOf(of("light")), heavy: mostOf(of("heavy")), auth: mostOf(of("auth")) };
  return {
    calls: calls.length,
    authCalls: of("auth").length,
    refused: refused.length,
    refusedByLimit: refused.filter(({ fault }) => fault === undefined).length,
    intoPenalty: (["light", "heavy", "auth"] as const).flatMap((group) => intoPenalty(of(group), origin)),
    most,
  };
}

/** The calls of a group that came after a 429 and within its minute. */
function intoPenalty(calls: readonly RequestRecord[], origin: number): string[] {
  const found: string[] = [];
  // What came at the same moment as the 429 was on its way already.
  let [newest, before] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { at, status } of calls) {
    const refusedAt = newest < at ? newest : before;
    if (at < refusedAt + PENALTY_MS) {
      found.push(`a call at ${seconds(at, origin)} after a 429 at ${seconds(refusedAt, origin)}`);
    }
    if (status === 429 && at > newest) [newest, before] = [at, newest];
  }
  return found;
}

/** The last calls before a time, for whoever looks for the bug. */
export function callsBefore(requests: readonly RequestRecord[], at: number, origin: number): string {
  const end = requests.findLastIndex((request) => request.at <= at) + 1;
  return requests
    .slice(Math.max(0, end - 15), end)
    .map(({ at: came, on, queueId = "", status, fault, broken }) => {
      const how = [fault && `fault ${fault}`, broken && "broken"].filter(Boolean).join(", ");
      return `    ${seconds(came, origin)}  ${on} ${queueId.slice(-3)} ${status ?? "no answer"} ${how}`;
    })
    .join("\n");
}

export function seconds(at: number, origin: number): string {
  return `${((at - origin) / 1000).toFixed(3)} s`;
}

function mostOf(calls: readonly RequestRecord[]): number {
  let most = 0;
  let first = 0;
  for (const [index, { at }] of calls.entries()) {
    while (calls[first]!.at <= at - WINDOW_MS) first++;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
