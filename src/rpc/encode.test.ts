import { create, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { AvailabilitySchema } from "../../gen/availability/v1/availability_pb.ts";
import {
  BatchCheckResponseSchema,
  CheckResponseSchema,
  CheckStreamResponseSchema,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { encoderOf, preEncode } from "./encode.ts";

const make = () =>
  create(AvailabilitySchema, { destinationId: "q", accepted: true, measured: 3, agents: { total: 4 } });

test("encoderOf() gives the very bytes of preEncode() when the message is the answer", () => {
  const message = preEncode(AvailabilitySchema, make());
  const encode = encoderOf(AvailabilitySchema);
  expect(encode(message)).toBe(encode(message));
  expect(encode(message)).toEqual(Buffer.from(toBinary(AvailabilitySchema, make())));
});

test("encoderOf() splices what was given to preEncode(), however deep, into an equal answer", () => {
  const availability = preEncode(AvailabilitySchema, make());
  // The original is changed so that only its stored bytes can give the right answer.
  availability.destinationId = "changed after it was encoded";
  const q = { availability: make() };
  const whole = preEncode(CheckResponseSchema, create(CheckResponseSchema, q));
  delete whole.availability;
  const cases = [
    [CheckResponseSchema, create(CheckResponseSchema, { availability }), create(CheckResponseSchema, q)],
    [
      WatchResponseSchema,
      create(WatchResponseSchema, { event: { case: "availability", value: availability }, resumeToken: "t" }),
      create(WatchResponseSchema, { event: { case: "availability", value: make() }, resumeToken: "t" }),
    ],
    [
      CheckStreamResponseSchema,
      create(CheckStreamResponseSchema, { requestId: "r", outcome: { case: "response", value: { availability } } }),
      create(CheckStreamResponseSchema, { requestId: "r", outcome: { case: "response", value: q } }),
    ],
    [
      BatchCheckResponseSchema,
      create(BatchCheckResponseSchema, {
        results: [
          { outcome: { case: "error", value: { code: 5 } } },
          { outcome: { case: "response", value: whole } },
          { outcome: { case: "response", value: { explanation: { hint: "not encoded before" } } } },
        ],
      }),
      create(BatchCheckResponseSchema, {
        results: [
          { outcome: { case: "error", value: { code: 5 } } },
          { outcome: { case: "response", value: q } },
          { outcome: { case: "response", value: { explanation: { hint: "not encoded before" } } } },
        ],
      }),
    ],
  ] as const;
  for (const [schema, given, expected] of cases) {
    const frozen = Object.freeze(given);
    const bytes = encoderOf(schema)(frozen);
    expect(fromBinary(schema, bytes), schema.typeName).toEqual(expected);
    expect(bytes).toHaveLength(toBinary(schema as DescMessage, expected).length);
  }
});

test("encoderOf() encodes as usual when nothing was given to preEncode()", () => {
  const answer = create(BatchCheckResponseSchema, { results: [{ outcome: { case: "error", value: { code: 5 } } }] });
  expect(encoderOf(BatchCheckResponseSchema)(answer)).toEqual(Buffer.from(toBinary(BatchCheckResponseSchema, answer)));
  expect(encoderOf(WatchResponseSchema)({ event: { case: "synced", value: {} } })).toHaveLength(2);
});
