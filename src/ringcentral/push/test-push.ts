import { TestClock } from "../../lib/test-clock.ts";
import { Push } from "./push.ts";
import type { PushEvent, PushFilter } from "./push-event.ts";
import { filterKey } from "./push-filters.ts";
import type { SavedShard } from "./push-recovery.ts";
import type { RefusedFilter } from "./push-subscription.ts";
import { ScriptedGateway } from "./test-push-gateway.ts";

export const queue = (queueId: string): PushFilter => ({ kind: "queue", accountId: "~", queueId });
export const extension = (extensionId: string): PushFilter => ({ kind: "extension", accountId: "~", extensionId });

export const queuePath = (queueId: string) => `/restapi/v1.0/account/77/call-queues/${queueId}/presence`;
export const extensionPath = (id: string) => `/restapi/v1.0/account/77/extension/${id}/presence`;
export const optIn = (id: string, acceptCurrentQueueCalls: boolean) => ({
  records: [{ member: { id }, acceptCurrentQueueCalls }],
});

const nothing = () => {};

/** A Push against a scripted gateway, and all it told. */
export function testPush(options: { filtersPerSocket?: number; pingIntervalMs?: number; saved?: SavedShard[] } = {}) {
  const clock = new TestClock();
  const gateway = new ScriptedGateway(clock);
  const told = { events: [] as PushEvent[], coverage: [] as string[][], refused: [] as RefusedFilter[] };
  const saves: { at: number; shards: readonly SavedShard[] }[] = [];
  const world = {
    clock,
    gateway,
    told,
    saves,
    /** What else is done with what is told. */
    onEvent: nothing as (event: PushEvent) => void,
    onCoverage: nothing as (filters: readonly PushFilter[]) => void,
    start: (saved: readonly SavedShard[] = options.saved ?? []) =>
      new Push({
        clock,
        random: () => 0.5,
        connection: "main",
        openSocket: gateway.openSocket,
        wsToken: gateway.wsToken,
        filtersPerSocket: options.filtersPerSocket ?? 100,
        pingIntervalMs: () => options.pingIntervalMs ?? 1_000,
        recovery: {
          load: () => Promise.resolve(saved),
          save: (shards) => {
            saves.push({ at: clock.now(), shards });
            return Promise.resolve();
          },
        },
        onEvent: (event) => {
          told.events.push(event);
          world.onEvent(event);
        },
        onCoverage: (filters) => {
          told.coverage.push(filters.map(filterKey));
          world.onCoverage(filters);
        },
        onRefused: (refused) => told.refused.push(refused),
      }),
  };
  return world;
}

/** A Push that is live with these filters. */
export async function livePush(filters: readonly PushFilter[], options: Parameters<typeof testPush>[0] = {}) {
  const world = testPush(options);
  const push = world.start();
  push.want(filters);
  await world.clock.advance(1_000);
  return { ...world, world, push };
}
