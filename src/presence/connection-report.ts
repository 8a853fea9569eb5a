import type { Warning } from "../lib/errors.ts";
import type { Connection } from "../ringcentral/connection.ts";
import type { ConnectionStatus, GroupStatus } from "../ringcentral/connection-status.ts";
import { ACCOUNT_EVENTS_PERMISSION, allowsPush } from "../ringcentral/push/push-plan.ts";
import type { BackOffs } from "../upstream/backoff.ts";
import type { ConnectionDemand } from "./budget-demand.ts";
import { demandWarning } from "./demand-warning.ts";

const FIELD = "connection";
const GROUPS = ["light", "medium", "heavy", "auth"] as const;

/** How a connection is doing; `demand` is what is asked over it, undefined while nothing is. */
export function reportOn(
  connection: Connection,
  demand: ConnectionDemand | undefined,
  deps: { backOffs: Pick<BackOffs, "blocked">; now: number },
): ConnectionStatus {
  const { tokens, push } = connection;
  const { expiresAt, refreshExpiresAt, scope, failure } = tokens.status;
  const blocked = deps.backOffs.blocked([connection.backOffKeys("light").connection], deps.now);
  const pushDown = push?.state === "DOWN" || push?.state === "CONNECTING";
  const pushFailure = pushDown ? push.lastFailure?.failure : undefined;
  return {
    expiresAt,
    refreshExpiresAt,
    groups: groupsOf(connection, deps),
    push: push?.state ?? "NONE",
    destinationCount: demand?.destinations ?? 0,
    demandCount: demand?.inDemand ?? 0,
    achievableAgeMs: demand?.achievableAgeMs,
    lastError: (failure ?? blocked?.failure ?? pushFailure)?.message ?? "",
    warnings: [...missingPermissions(scope), ...demandWarnings(demand, push?.state === "LIVE")],
  };
}

function groupsOf(connection: Connection, deps: { backOffs: Pick<BackOffs, "blocked">; now: number }): GroupStatus[] {
  return GROUPS.flatMap((name) => {
    const { limit, left } = connection.budget(name).state;
    const penaltyUntil = deps.backOffs.blocked([connection.backOffKeys(name).budget], deps.now)?.until;
    if (limit === undefined && penaltyUntil === undefined) return [];
    return [{ name, limit: limit ?? 0, left: penaltyUntil === undefined ? (left ?? 0) : 0, penaltyUntil }];
  });
}

/** RingCentral names a token's permissions with it; what they do not allow is told before it fails. */
function missingPermissions(scope: readonly string[] | undefined): Warning[] {
  if (!scope) return [];
  const field = `${FIELD}.credential`;
  const lacks = (permission: string, consequence: string): Warning => ({
    field,
    reason: "MISSING_PERMISSION",
    description: `its app lacks the permission ${permission}: ${consequence}`,
  });
  const warnings: Warning[] = [];
  if (!scope.includes("ReadPresence")) warnings.push(lacks("ReadPresence", "no queue can be read"));
  if (!scope.includes(ACCOUNT_EVENTS_PERMISSION)) {
    warnings.push(
      lacks(ACCOUNT_EVENTS_PERMISSION, "call queues cannot be listed, and push needs a filter for each agent"),
    );
  }
  if (!allowsPush(scope)) {
    warnings.push(lacks("WebSocketsSubscription", "there is no push, queues are polled"));
  }
  return warnings;
}

function demandWarnings(demand: ConnectionDemand | undefined, pushed: boolean): Warning[] {
  const warning = demand && !pushed && demandWarning(demand, FIELD);
  return warning ? [warning] : [];
}
