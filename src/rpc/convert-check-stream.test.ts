import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { CheckStreamResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import { ServiceError } from "../lib/errors.ts";
import { streamBytes, streamResponse } from "./convert-check-stream.ts";

const answer: Answer = {
  destinationId: "sales",
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: "",
  measured: 2,
  agents: { total: 2, unknown: 0 },
  availableAgents: undefined,
  observedAt: 1_767_614_400_123.25,
  validUntil: 1_767_614_410_123.25,
  source: "CACHE",
  destinationRevision: 1n,
  version: 7n,
  retryAt: undefined,
};

test("streamBytes() is streamResponse() encoded, whatever the id, and however long the answer", () => {
  const id = fc.string({ unit: "grapheme", maxLength: 64 }).filter((id) => Buffer.byteLength(id) <= 64);
  const length = fc.constantFrom(0, 20, 30, 40, 100, 16_000, 17_000, 70_000);
  const version = fc.constantFrom(0n, 7n);
  fc.assert(
    fc.property(id, length, version, (requestId, length, version) => {
      const item = { requestId, answer: { ...answer, version, message: "x".repeat(length) } };
      expect(fromBinary(CheckStreamResponseSchema, streamBytes(item))).toEqual(streamResponse(item));
    }),
  );
});

test("streamBytes() carries the error of an item", () => {
  const violations = [{ field: "request_id", reason: "TOO_LONG", description: "is 300 bytes" }];
  const error = new ServiceError("INVALID_ARGUMENT", "Cannot check", { violations });
  const item = { requestId: "x".repeat(300), error };
  const message = fromBinary(CheckStreamResponseSchema, streamBytes(item));
  expect(message).toEqual(streamResponse(item));
  expect(message.outcome).toMatchObject({ case: "error", value: { code: 3, violations } });
});
