import { fromBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { CheckStreamRequestSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { messageReader } from "../frames.ts";
import { checkStreamRequests } from "./check-stream-requests.ts";

test("checkStreamRequests() gives so many requests, with ids and destinations in turn, and begins anew at the end", () => {
  const take = checkStreamRequests(["a", "b", "c"]);
  const read = messageReader();
  const next = (count: number) =>
    take(count)
      .flatMap(read)
      .map((bytes) => fromBinary(CheckStreamRequestSchema, bytes));
  expect(next(2).map(({ requestId, check }) => `${requestId} ${check?.destinationId}`)).toEqual([
    "request-0 a",
    "request-1 b",
  ]);
  expect(next(1)[0]).toMatchObject({ requestId: "request-2", check: { destinationId: "c" } });
  const rest = next((1 << 16) - 2);
  expect(rest).toHaveLength((1 << 16) - 2);
  expect(rest.at(-1)?.requestId).toBe("request-0");
});
