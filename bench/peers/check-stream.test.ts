import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  CheckResponseSchema,
  CheckStreamRequestSchema,
  CheckStreamResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { streamAnswers } from "./check-stream.ts";

test("streamAnswers() gives the same answer to every request, under the request's id", () => {
  for (const message of ["", "x".repeat(300)]) {
    const response = create(CheckResponseSchema, { availability: { destinationId: "sales", message } });
    const answer = streamAnswers(Buffer.from(toBinary(CheckResponseSchema, response)));
    const request = create(CheckStreamRequestSchema, { requestId: "r-1", check: { destinationId: "sales" } });
    const bytes = answer(Buffer.from(toBinary(CheckStreamRequestSchema, request)));
    expect(fromBinary(CheckStreamResponseSchema, bytes)).toEqual(
      create(CheckStreamResponseSchema, { requestId: "r-1", outcome: { case: "response", value: response } }),
    );
  }
});
