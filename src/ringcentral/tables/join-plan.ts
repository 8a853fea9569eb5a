import { RECONCILE_SHARE } from "../calls/budget.ts";
import { MOST_EXTENSIONS } from "./extension-presence.ts";
import { PER_PAGE } from "./paged-list.ts";

/** A usage group: what it allows, and what is left of that now where that is known. */
export interface GroupState {
  readonly perMinute: number;
  readonly left: number | undefined;
}

export interface JoinNeeds {
  /** Ids of the extensions whose presence is too old. */
  readonly stale: readonly string[];
  /** Extensions of the account, where that is known. */
  readonly total: number | undefined;
  readonly light: GroupState;
  /** Undefined when account presence cannot be read. */
  readonly heavy: GroupState | undefined;
  /** What a call for so many extensions counts as. */
  readonly bulkCost: (extensions: number) => number;
}

/** One thing to ask RingCentral for. */
export type JoinStep =
  | { readonly kind: "extensions"; readonly extensionIds: readonly string[] }
  | { readonly kind: "account" };

interface Way {
  readonly steps: readonly JoinStep[];
  /** Share of the minute's limit. */
  readonly share: number;
  readonly affordable: boolean;
}

/** How to read the presence of extensions for the least part of a limit; what can be paid now goes before what cannot. */
export function planJoin(needs: JoinNeeds): readonly JoinStep[] {
  if (needs.stale.length === 0) return [];
  const byExtension = extensionsWay(needs);
  const byAccount = accountWay(needs);
  if (!byAccount) return byExtension.steps;
  if (byExtension.affordable !== byAccount.affordable) return (byExtension.affordable ? byExtension : byAccount).steps;
  return (byAccount.share < byExtension.share ? byAccount : byExtension).steps;
}

/** Whether asking agents for their queues is so much cheaper than asking queues for their agents that it is worth learning less. */
export function asksAgents(stale: { readonly queues: number; readonly agents: number }): boolean {
  return stale.agents > 0 && stale.agents * 2 <= stale.queues;
}

/** The most extensions of one call: where each of them counts, no more than anybody may use of the limit. */
export function mostAtOnce({ light, bulkCost }: Pick<JoinNeeds, "light" | "bulkCost">): number {
  if (bulkCost(MOST_EXTENSIONS) === 1) return MOST_EXTENSIONS;
  return Math.max(1, Math.min(MOST_EXTENSIONS, Math.floor(RECONCILE_SHARE * light.perMinute)));
}

function extensionsWay({ stale, light, bulkCost }: JoinNeeds): Way {
  const most = mostAtOnce({ light, bulkCost });
  const steps: JoinStep[] = [];
  let cost = 0;
  for (let start = 0; start < stale.length; start += most) {
    const extensionIds = stale.slice(start, start + most);
    steps.push({ kind: "extensions", extensionIds });
    cost += bulkCost(extensionIds.length);
  }
  return { steps, share: cost / light.perMinute, affordable: cost <= (light.left ?? cost) };
}

function accountWay({ stale, total = 0, heavy }: JoinNeeds): Way | undefined {
  if (!heavy) return undefined;
  const pages = Math.ceil(Math.max(total, stale.length) / PER_PAGE);
  return { steps: [{ kind: "account" }], share: pages / heavy.perMinute, affordable: pages <= (heavy.left ?? pages) };
}
