import { create } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ListAvailabilityHistoryRequestSchema } from "../../gen/availability/v1/destination_service_pb.ts";
import { Problems } from "../lib/problems.ts";
import { checkHistoryRequest, historyQuery, historyToken } from "./history-request.ts";

type Given = Partial<{
  destinationId: string;
  startTime: { seconds: bigint; nanos: number };
  endTime: { seconds: bigint; nanos: number };
  pageSize: number;
  pageToken: string;
}>;

function request(given: Given = {}) {
  return create(ListAvailabilityHistoryRequestSchema, { destinationId: "sales", ...given });
}

function problemsOf(given: Given): string[] {
  const problems = new Problems();
  checkHistoryRequest(request(given), problems);
  return problems.violations.map(({ field, reason, description }) => `${field} ${reason} ${description}`);
}

const at = (seconds: bigint, nanos = 0) => ({ seconds, nanos });

test.each<Given>([
  {},
  { startTime: at(10n), endTime: at(10n) },
  { startTime: at(10n, 5), endTime: at(10n, 1_000_000), pageSize: 5000 },
  { startTime: at(-62_135_596_800n), endTime: at(253_402_300_799n, 999_999_999) },
  { pageToken: historyToken("sales", 2n ** 63n - 1n) },
])("checkHistoryRequest() finds nothing wrong with %o", (given) => expect(problemsOf(given)).toEqual([]));

test("checkHistoryRequest() finds everything that is wrong at once", () => {
  const years = "OUT_OF_RANGE is no valid timestamp, expected one of the years 1 to 9999";
  expect(
    problemsOf({
      destinationId: "a/b",
      startTime: at(0n, -1),
      endTime: at(253_402_300_800n),
      pageSize: -1,
      pageToken: "x",
    }),
  ).toEqual([
    'destination_id INVALID_FORMAT is "a/b", expected ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$',
    `start_time ${years}`,
    `end_time ${years}`,
    "page_size OUT_OF_RANGE is -1, expected 0 or more",
    expect.stringMatching(/^page_token INVALID_FORMAT is no token of this service/),
  ]);
});

test.each([
  [at(10n, 1_000_000), at(10n)],
  [at(11n), at(10n, 999_999_999)],
])("checkHistoryRequest() refuses an end before the start", (startTime, endTime) => {
  expect(problemsOf({ startTime, endTime })).toEqual([
    "end_time OUT_OF_RANGE is before start_time, expected a time that is not",
  ]);
});

test.each([
  ["is of another destination", historyToken("support", 5n)],
  ["is no base64url", "!!"],
  ["names no version", Buffer.from("history:sales:").toString("base64url")],
  ["names a version that cannot be", Buffer.from(`history:sales:${2n ** 63n}`).toString("base64url")],
  ["spells a version otherwise", Buffer.from("history:sales:05").toString("base64url")],
  ["is of another list", Buffer.from("after:sales").toString("base64url")],
  ["is padded", Buffer.from("history:sales:55").toString("base64")],
  ["has something after it", `${historyToken("sales", 5n)}A`],
])("checkHistoryRequest() refuses a page token that %s", (_, pageToken) => {
  expect(problemsOf({ pageToken })).toHaveLength(1);
});

test("historyQuery() gives back the position of a token, milliseconds, and a capped size", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 2n ** 63n - 1n), (version) => {
      expect(historyQuery(request({ pageToken: historyToken("sales", version) })).after).toBe(version);
    }),
  );
  const times = { startTime: at(10n, 250_000), endTime: at(-1n, 500_000_000) };
  expect(historyQuery(request({ ...times, pageSize: 9999 }))).toEqual({
    destinationId: "sales",
    startMs: 10_000.25,
    endMs: -500,
    size: 1000,
    after: undefined,
  });
});

test("historyQuery() is without bounds, and of 50 changes, when nothing is set", () => {
  const { startMs, endMs, size } = historyQuery(request());
  expect([startMs, endMs, size]).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 50]);
});
