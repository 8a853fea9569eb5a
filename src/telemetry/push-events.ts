import type { UpstreamReason } from "../lib/reasons.ts";
import { log } from "./log.ts";
import { instrument } from "./meter.ts";

// What happens with push: one function per event, as in events.ts.

const sessions = instrument((meter) =>
  meter.createUpDownCounter("availability.push.sessions", { description: "Push subscriptions that are live" }),
);
const dials = instrument((meter) =>
  meter.createCounter("availability.push.connects", {
    description: "Push sockets opened, by what they were opened for",
  }),
);
const losses = instrument((meter) =>
  meter.createCounter("availability.push.losses", { description: "Push sockets lost or not to be had, by reason" }),
);
const events = instrument((meter) =>
  meter.createCounter("availability.push.events", { description: "Events received by push, by kind" }),
);
const refusals = instrument((meter) =>
  meter.createCounter("availability.push.filters.refused", { description: "Filters that RingCentral does not serve" }),
);

/** A shard of a connection's push, for logs. */
interface ShardName {
  readonly connection: string;
  readonly shard: number;
}

/** What a socket is opened for. */
export type PushPurpose = "connect" | "change" | "renew";

/** A socket is opened. */
export function pushConnecting(e: ShardName & { purpose: PushPurpose; resumes: boolean }): void {
  dials().add(1, { purpose: e.purpose });
  log.debug(e, "push connecting");
}

/** RingCentral confirmed a subscription. */
export function pushSubscribed(e: ShardName & { filters: number; refused: number }): void {
  log.info(e, "push subscribed");
}

/** What was missed was replayed: nothing has to be read again. */
export function pushRecovered(e: ShardName & { gapMs: number }): void {
  log.info(e, "push recovered");
}

/** RingCentral could not replay what was missed. */
export function pushNotRecovered(e: ShardName & { gapMs: number }): void {
  log.warn(e, "push lost events");
}

/** A subscription is live, or is not any more. */
export function pushLiveChanged(live: boolean): void {
  sessions().add(live ? 1 : -1);
}

/** A socket was lost or could not be had. */
export function pushLost(e: ShardName & { reason: string; outcome: UpstreamReason; message: string }): void {
  losses().add(1, { reason: e.reason });
  log.warn(e, "push lost");
}

/** No token for a socket could be had. */
export function pushTokenFailed(e: { connection: string; outcome: UpstreamReason; message: string }): void {
  losses().add(1, { reason: "no_token" });
  log.warn(e, "push got no token");
}

/** RingCentral does not serve a filter. */
export function pushFilterRefused(e: { connection: string; filter: string; reason: string; message: string }): void {
  refusals().add(1);
  log.warn(e, "push filter refused");
}

/** News could not be read, so that a change may be missed. `filter` is absent when it is not known what they were about. */
export function pushUnreadable(e: ShardName & { filter?: string | undefined }): void {
  events().add(1, { kind: "unreadable" });
  log.warn(e, "push news unreadable");
}

export function pushEventReceived(kind: "queue" | "extension"): void {
  events().add(1, { kind });
}

/** Somebody who is told of push, or keeps its state, failed; push goes on. */
export function pushBystanderFailed(e: { connection: string; action: string; message: string }): void {
  log.error(e, "push could not pass on");
}
