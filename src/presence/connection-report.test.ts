import { describe, expect, test } from "vitest";
import type { Connection } from "../ringcentral/connection.ts";
import type { TokenStatus } from "../ringcentral/tokens/token-source.ts";
import { BackOffs } from "../upstream/backoff.ts";
import type { UpstreamFailure } from "../upstream/failure.ts";
import type { ConnectionDemand } from "./budget-demand.ts";
import { reportOn } from "./connection-report.ts";

const NOTHING: TokenStatus = {
  expiresAt: undefined,
  refreshExpiresAt: undefined,
  scope: undefined,
  ownerId: undefined,
  failure: undefined,
};
const DEMAND: ConnectionDemand = {
  destinations: 500,
  inDemand: 20,
  achievableAgeMs: 30_000,
  queues: 400,
  maxAgeMs: 10_000,
  readsPerMinute: 2_400,
  limitPerMinute: 50,
  worstAgeMs: 600_000,
};
const failed = (reason: UpstreamFailure["reason"], message: string): UpstreamFailure => ({
  reason,
  message,
  scope: "connection",
});

function reported(given: {
  status?: Partial<TokenStatus>;
  groups?: Record<string, { limit: number | undefined; left: number | undefined }>;
  push?: Connection["push"];
  demand?: ConnectionDemand;
  backOffs?: BackOffs;
}) {
  const { status, groups = {}, push, demand, backOffs = new BackOffs() } = given;
  const connection = {
    tokens: { status: { ...NOTHING, ...status } },
    push,
    budget: (group: string) => ({ state: groups[group] ?? { limit: undefined, left: undefined } }),
    backOffKeys: (group: string) => ({ connection: "the connection", budget: `the budget of ${group}` }),
  } as unknown as Connection;
  return reportOn(connection, demand, { backOffs, now: 0 });
}

describe("reportOn()", () => {
  test("knows nothing of a connection that was never used", () => {
    expect(reported({})).toEqual({
      expiresAt: undefined,
      refreshExpiresAt: undefined,
      groups: [],
      push: "NONE",
      destinationCount: 0,
      demandCount: 0,
      achievableAgeMs: undefined,
      lastError: "",
      warnings: [],
    });
  });

  test("shows groups with what is left, and nothing left while a penalty runs", () => {
    const backOffs = new BackOffs();
    backOffs.open("the budget of light", failed("UPSTREAM_RATE_LIMITED", "too many"), 0);
    const groups = { light: { limit: 50, left: 7 }, auth: { limit: 5, left: 4 } };
    expect(reported({ groups, backOffs }).groups).toEqual([
      { name: "light", limit: 50, left: 0, penaltyUntil: 60_000 },
      { name: "auth", limit: 5, left: 4, penaltyUntil: undefined },
    ]);
  });

  test("shows the token's trouble before the connection's, and that before push's", () => {
    const push = { state: "DOWN", lastFailure: { failure: failed("UPSTREAM_UNAVAILABLE", "push"), at: 0 } } as const;
    const backOffs = new BackOffs();
    expect(reported({ push, backOffs })).toMatchObject({ push: "DOWN", lastError: "push" });
    backOffs.open("the connection", failed("UPSTREAM_UNAVAILABLE", "connection"), 0);
    expect(reported({ push, backOffs }).lastError).toBe("connection");
    const status = { failure: failed("UPSTREAM_UNAUTHENTICATED", "token") };
    expect(reported({ push, backOffs, status }).lastError).toBe("token");
  });

  test("shows no trouble of push that is over", () => {
    const push = { state: "LIVE", lastFailure: { failure: failed("UPSTREAM_UNAVAILABLE", "push"), at: 0 } } as const;
    expect(reported({ push }).lastError).toBe("");
  });

  test("warns of each permission that the token lacks, and of none while they are not known", () => {
    const reasons = (scope: string[] | undefined) =>
      reported({ status: { scope } }).warnings.map(({ description }) => /permission (\w+)/.exec(description)?.[1]);
    expect(reasons([])).toEqual(["ReadPresence", "ReadAccounts", "WebSocketsSubscription"]);
    expect(reasons(["ReadPresence", "ReadAccounts", "WebSocket"])).toEqual([]);
    expect(reasons(undefined)).toEqual([]);
  });

  test("warns of demand that the limit cannot meet, unless push is live", () => {
    const down = { state: "DOWN", lastFailure: undefined } as const;
    const status = reported({ demand: DEMAND, push: down });
    expect(status).toMatchObject({ destinationCount: 500, demandCount: 20, achievableAgeMs: 30_000 });
    expect(status.warnings.map(({ reason }) => reason)).toEqual(["DEMAND_EXCEEDS_LIMIT"]);
    expect(reported({ demand: DEMAND, push: { state: "LIVE", lastFailure: undefined } }).warnings).toEqual([]);
  });
});
