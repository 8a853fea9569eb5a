import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { AvailabilitySchema, Reason, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { availabilityLine, banner } from "./demo-lines.ts";

const noon = new Date(2026, 0, 5, 12, 0, 7);

test("availabilityLine() says what a router would do, why, and how it is known", () => {
  const availability = create(AvailabilitySchema, {
    destinationId: "sales",
    accepted: true,
    verdict: Verdict.ACCEPTED,
    reason: Reason.CRITERIA_MET,
    message: "2 matches, needs more than 0",
    source: Source.PUSH,
    agents: { total: 3, available: 1, accepting: 2, doNotDisturb: 0, unknown: 0 },
  });
  expect(availabilityLine(availability, noon)).toBe(
    "12:00:07  sales    push  ACCEPTED  2 matches, needs more than 0  [3 agents, 1 available, 2 opted in, 0 on Do Not Disturb]",
  );
});

test("availabilityLine() says that it is undecided when policy alone decides", () => {
  const availability = create(AvailabilitySchema, {
    destinationId: "support",
    verdict: Verdict.UNDECIDED,
    reason: Reason.UPSTREAM_TIMEOUT,
    source: Source.NONE,
    message: "no answer in 10 s",
  });
  expect(availabilityLine(availability, noon)).toBe(
    "12:00:07  support        REJECTED (undecided: UPSTREAM_TIMEOUT)  no answer in 10 s",
  );
});

test("banner() has the command to ask for oneself", () => {
  expect(banner({ http: "127.0.0.1:8080", grpc: "127.0.0.1:50051", origin: "http://127.0.0.1:1" })).toContain(
    `curl -s -H 'content-type: application/json' -d '{"destinationId":"sales"}' http://127.0.0.1:8080/availability.v1.AvailabilityService/Check\n`,
  );
});
