import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { WatchResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import type { WatchEvent } from "../availability/watch-event.ts";
import { availabilityMessage } from "./convert-availability.ts";
import { watchResponse } from "./convert-watch.ts";

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
])("watchResponse() carries every field when the event is $kind", (event, expected) => {
  const message = watchResponse({ event, resumeToken: "t.1" });
  expect(message).toEqual(create(WatchResponseSchema, { event: expected as never, resumeToken: "t.1" }));
});

test("watchResponse() shares the message of a state among its watchers", () => {
  const [one, two] = ["a", "b"].map((resumeToken) =>
    watchResponse({ event: { kind: "availability", answer }, resumeToken }),
  );
  expect(one!.event.value).toBe(two!.event.value);
});
