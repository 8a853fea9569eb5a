import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Availability,
  AvailabilitySchema,
  Reason,
  Source,
  Verdict,
} from "../../gen/availability/v1/availability_pb.ts";
import { CheckResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import type { Reason as ReasonName, Source as SourceName, Verdict as VerdictName } from "../lib/reasons.ts";
import { availabilityMessage, checkResponse, timestamp } from "./convert-availability.ts";
import { encoderOf } from "./encode.ts";

const plain: Answer = {
  destinationId: "sales",
  accepted: false,
  verdict: "UNDECIDED",
  reason: "NOT_IN_TIME",
  message: "Nothing young enough was known in time",
  measured: undefined,
  agents: undefined,
  availableAgents: undefined,
  observedAt: undefined,
  validUntil: undefined,
  source: "NONE",
  destinationRevision: 3n,
  version: 0n,
  retryAt: undefined,
};
const full: Answer = {
  ...plain,
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: "2 matches, needs more than 0",
  measured: 2.5,
  agents: { total: 4, available: 2, accepting: 3, doNotDisturb: 1, onCall: 0, offline: 0, unknown: 0, optedOut: 1 },
  availableAgents: 2.5,
  observedAt: 1_767_614_400_000,
  validUntil: 1_767_614_410_000,
  source: "LIVE",
  destinationRevision: 2n ** 62n,
  version: 1_767_614_400_000_001n,
  retryAt: 1_767_614_401_500,
};

// Every name there is: one that is added does not compile until it stands here.
const REASONS: Record<ReasonName, Reason> = {
  CRITERIA_MET: 1,
  CRITERIA_NOT_MET: 2,
  DESTINATION_DISABLED: 3,
  OUTSIDE_HOURS: 4,
  OVERRIDDEN: 5,
  UPSTREAM_UNAUTHENTICATED: 6,
  UPSTREAM_PERMISSION_DENIED: 7,
  UPSTREAM_NOT_FOUND: 8,
  UPSTREAM_RATE_LIMITED: 9,
  UPSTREAM_TIMEOUT: 10,
  UPSTREAM_UNAVAILABLE: 11,
  UPSTREAM_BAD_RESPONSE: 12,
  PRESENCE_UNKNOWN: 13,
  NOT_IN_TIME: 14,
  NOT_OBSERVED_YET: 15,
  CRITERIA_FAILED: 16,
  DESTINATION_INVALID: 17,
};
const SOURCES: Record<SourceName, Source> = { LIVE: 1, CACHE: 2, PUSH: 3, LAST_KNOWN: 4, NONE: 5 };
const VERDICTS: Record<VerdictName, Verdict> = { ACCEPTED: 1, REJECTED: 2, UNDECIDED: 3 };

describe("availabilityMessage()", () => {
  test("carries every field when all are there", () => {
    expect(availabilityMessage(full)).toEqual(
      create(AvailabilitySchema, {
        destinationId: "sales",
        accepted: true,
        verdict: Verdict.ACCEPTED,
        reason: Reason.CRITERIA_MET,
        message: "2 matches, needs more than 0",
        measured: 2.5,
        agents: {
          total: 4,
          available: 2,
          accepting: 3,
          doNotDisturb: 1,
          onCall: 0,
          offline: 0,
          unknown: 0,
          optedOut: 1,
        },
        availableAgents: 2.5,
        observedAt: { seconds: 1_767_614_400n },
        validUntil: { seconds: 1_767_614_410n },
        source: Source.LIVE,
        destinationRevision: 2n ** 62n,
        version: 1_767_614_400_000_001n,
        retryAt: { seconds: 1_767_614_401n, nanos: 500_000_000 },
      }),
    );
  });

  test("leaves out what is not there, and keeps what is 0", () => {
    const absent = availabilityMessage(plain);
    for (const field of ["measured", "agents", "availableAgents", "observedAt", "validUntil", "retryAt"] as const) {
      expect(absent[field], field).toBeUndefined();
    }
    const zero = availabilityMessage({ ...plain, measured: 0, agents: { total: 0 }, observedAt: 0 });
    expect(zero).toMatchObject({ measured: 0, agents: { total: 0 }, observedAt: { seconds: 0n, nanos: 0 } });
    expect(zero.agents?.available).toBeUndefined();
    expect(toBinary(AvailabilitySchema, zero).length).toBeGreaterThan(toBinary(AvailabilitySchema, absent).length);
  });

  test("has a number of the contract for every reason, source and verdict", () => {
    for (const [reason, number] of Object.entries(REASONS)) {
      expect(availabilityMessage({ ...plain, reason: reason as ReasonName }).reason, reason).toBe(number);
    }
    for (const [source, number] of Object.entries(SOURCES)) {
      expect(availabilityMessage({ ...plain, source: source as SourceName }).source, source).toBe(number);
    }
    for (const [verdict, number] of Object.entries(VERDICTS)) {
      expect(availabilityMessage({ ...plain, verdict: verdict as VerdictName }).verdict, verdict).toBe(number);
    }
    // Nor does the contract have one that no answer can give.
    for (const [names, ours] of [
      [Reason, REASONS],
      [Source, SOURCES],
      [Verdict, VERDICTS],
    ] as const) {
      const theirs = Object.keys(names).filter((name) => name !== "UNSPECIFIED" && Number.isNaN(Number(name)));
      expect(theirs.toSorted()).toEqual(Object.keys(ours).toSorted());
    }
  });

  test("is made once for a watched state, and anew for an answer of one call", () => {
    const watched = { ...full };
    expect(availabilityMessage(watched)).toBe(availabilityMessage(watched));
    expect(availabilityMessage({ ...full })).not.toBe(availabilityMessage(watched));
    expect(availabilityMessage(plain)).not.toBe(availabilityMessage(plain));
  });
});

describe("checkResponse()", () => {
  test.each([
    ["a watched state", { ...full }],
    ["an answer of one call", plain],
  ])("sends the bytes of its message when it is %s", (_, answer) => {
    const response = checkResponse(answer);
    const { $typeName: _type, ...fields } = response.availability as Availability;
    const copy = create(CheckResponseSchema, { availability: create(AvailabilitySchema, fields) });
    const bytes = encoderOf(CheckResponseSchema)(response);
    expect(bytes).toEqual(Buffer.from(toBinary(CheckResponseSchema, copy)));
    expect(encoderOf(CheckResponseSchema)(checkResponse(answer))).toEqual(bytes);
    expect(encoderOf(AvailabilitySchema)(availabilityMessage(answer))).toEqual(
      Buffer.from(toBinary(AvailabilitySchema, availabilityMessage(answer))),
    );
  });

  test("is made and encoded once for a watched state", () => {
    const encode = encoderOf(CheckResponseSchema);
    expect(encode(checkResponse(full))).toBe(encode(checkResponse(full)));
    expect(encode(checkResponse(plain))).not.toBe(encode(checkResponse(plain)));
  });
});

describe("timestamp()", () => {
  test.each([
    [0, 0n, 0],
    [1.5, 0n, 1_500_000],
    [999.999, 0n, 999_999_000],
    [1_767_614_400_123, 1_767_614_400n, 123_000_000],
    [1_767_614_400_123.25, 1_767_614_400n, 123_250_000],
  ])("of %d ms is %d s and %d ns", (ms, seconds, nanos) => expect(timestamp(ms)).toEqual({ seconds, nanos }));

  test("keeps whole microseconds, is never later than the time, and never turns two times around", () => {
    const time = fc.double({ min: 0, max: 4e12, noNaN: true });
    const microseconds = (ms: number) => {
      const { seconds, nanos } = timestamp(ms);
      expect(Number.isInteger(nanos / 1000) && nanos >= 0 && nanos < 1e9).toBe(true);
      return seconds * 1_000_000n + BigInt(nanos / 1000);
    };
    fc.assert(
      fc.property(time, fc.double({ min: 0, max: 2, noNaN: true }), (ms, more) => {
        expect(Number(microseconds(ms)) / 1000).toBeLessThanOrEqual(ms);
        expect(ms - Number(microseconds(ms)) / 1000).toBeLessThan(0.0021);
        expect(microseconds(ms + more) >= microseconds(ms)).toBe(true);
      }),
    );
  });
});
