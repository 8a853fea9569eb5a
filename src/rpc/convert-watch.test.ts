import { create, fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WatchResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import type { WatchItem } from "../availability/watch.ts";
import type { WatchEvent } from "../availability/watch-event.ts";
import type { WatchedSet } from "../availability/watched-set.ts";
import { availabilityMessage } from "./convert-availability.ts";
import { watchBytes, watchResponse } from "./convert-watch.ts";

const set: WatchedSet = { selection: { selector: {} }, scope: { life: "life", set: "set" } };
const answer: Answer = {
  destinationId: "sales",
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: "2 matches, needs more than 0",
  measured: 2,
  agents: undefined,
  availableAgents: undefined,
  observedAt: 1_767_614_400_123.25,
  validUntil: 1_767_614_410_123.25,
  source: "CACHE",
  destinationRevision: 1n,
  version: 1_767_614_400_000_001n,
  retryAt: undefined,
};
const unseen: Answer = { ...answer, destinationId: "new", version: 7n, observedAt: undefined, validUntil: undefined };

test.each<[WatchEvent, object]>([
  [
    { kind: "availability", answer },
    { case: "availability", value: availabilityMessage(answer) },
  ],
  [
    { kind: "removed", destinationId: "sales", version: 9n },
    { case: "removed", value: { destinationId: "sales", version: 9n } },
  ],
  [
    { kind: "unknown", destinationId: "none" },
    { case: "unknown", value: { destinationId: "none", cause: 1 } },
  ],
  [
    { kind: "synced", serverTime: 1500 },
    { case: "synced", value: { serverTime: { seconds: 1n, nanos: 500_000_000 } } },
  ],
  [{ kind: "resync" }, { case: "resync", value: {} }],
  [
    { kind: "heartbeat", serverTime: 1500, confirmed: [answer, unseen], upToDate: true },
    {
      case: "heartbeat",
      value: {
        serverTime: { seconds: 1n, nanos: 500_000_000 },
        upToDate: true,
        freshness: [
          {
            destinationId: "sales",
            version: 1_767_614_400_000_001n,
            observedAt: { seconds: 1_767_614_400n, nanos: 123_250_000 },
            validUntil: { seconds: 1_767_614_410n, nanos: 123_250_000 },
          },
          { destinationId: "new", version: 7n },
        ],
      },
    },
  ],
])("watchResponse() carries every field, and watchBytes() the same, when the event is $kind", (event, expected) => {
  const item = { event, set, position: 37 };
  const message = create(WatchResponseSchema, { event: expected as never, resumeToken: "life.11.set" });
  expect(watchResponse(item)).toEqual(message);
  expect(fromBinary(WatchResponseSchema, watchBytes(item))).toEqual(message);
});

test("watchResponse() and watchBytes() carry no resume token when there is no position yet", () => {
  const item = { event: { kind: "availability", answer } as const, set, position: undefined };
  expect(watchResponse(item).resumeToken).toBe("");
  expect(fromBinary(WatchResponseSchema, watchBytes(item))).toEqual(watchResponse(item));
});

test("watchResponse() shares the message of a state among its watchers", () => {
  const [one, two] = [1, 2].map((position) =>
    watchResponse({ event: { kind: "availability", answer }, set, position }),
  );
  expect(one!.event.value).toBe(two!.event.value);
});

test("watchBytes() encodes a state once for a set and a position, and anew for another of either", () => {
  const bytes = (given: Partial<WatchItem>) =>
    watchBytes({ event: { kind: "availability", answer }, set, position: 1, ...given });
  expect(bytes({})).toBe(bytes({}));
  const later = bytes({ position: 2 });
  expect(fromBinary(WatchResponseSchema, later).resumeToken).toBe("life.2.set");
  const elsewhere = { ...set, scope: { life: "life", set: "other" } };
  expect(fromBinary(WatchResponseSchema, bytes({ set: elsewhere, position: 2 })).resumeToken).toBe("life.2.other");
  const changed = { ...answer, message: "1 match, needs more than 0" };
  const other = fromBinary(WatchResponseSchema, bytes({ event: { kind: "availability", answer: changed } }));
  expect(other.event.value).toMatchObject({ message: changed.message });
});
