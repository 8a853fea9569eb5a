import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { ListAvailabilityHistoryRequest } from "../../gen/availability/v1/destination_service_pb.ts";
import type { HistoryQuery } from "../availability/history-page.ts";
import { ID_PATTERN } from "../lib/ids.ts";
import type { Problems } from "../lib/problems.ts";
import { pageSize } from "./paging.ts";

// The years 1 to 9999, as google.protobuf.Timestamp allows them.
const SECONDS = { min: -62_135_596_800n, max: 253_402_300_799n };
const GREATEST_VERSION = 2n ** 63n - 1n;
const TOKEN_FORM = /^history:([^:]+):([0-9]{1,19})$/;

/** Finds everything that is wrong with a request for history. */
export function checkHistoryRequest(request: ListAvailabilityHistoryRequest, problems: Problems): void {
  const { destinationId, startTime, endTime, pageSize: size, pageToken } = request;
  problems.format("destination_id", destinationId, ID_PATTERN);
  const start = checkTime("start_time", startTime, problems);
  const end = checkTime("end_time", endTime, problems);
  if (start !== undefined && end !== undefined && start > end) {
    problems.add("end_time", "OUT_OF_RANGE", "is before start_time, expected a time that is not");
  }
  if (size < 0) problems.add("page_size", "OUT_OF_RANGE", `is ${size}, expected 0 or more`);
  if (pageToken !== "" && parseHistoryToken(pageToken, destinationId) === undefined) {
    const expected = "expected a next_page_token of this destination's history or nothing";
    problems.add("page_token", "INVALID_FORMAT", `is no token of this service, ${expected}`);
  }
}

/** What a valid request asks for. */
export function historyQuery(request: ListAvailabilityHistoryRequest): HistoryQuery {
  const { destinationId, startTime, endTime, pageToken } = request;
  return {
    destinationId,
    startMs: startTime ? ms(startTime) : Number.NEGATIVE_INFINITY,
    endMs: endTime ? ms(endTime) : Number.POSITIVE_INFINITY,
    size: pageSize(request.pageSize),
    after: parseHistoryToken(pageToken, destinationId),
  };
}

/** The token of the page that begins after a version of a destination. */
export function historyToken(destinationId: string, version: bigint): string {
  return Buffer.from(`history:${destinationId}:${version}`).toString("base64url");
}

/** The version that a page begins after; undefined when it is no such token of this destination. */
function parseHistoryToken(token: string, destinationId: string): bigint | undefined {
  const [, id, digits = ""] = TOKEN_FORM.exec(Buffer.from(token, "base64url").toString()) ?? [];
  if (id !== destinationId) return undefined;
  const version = BigInt(digits);
  // Another spelling of the same bytes was not made here.
  return version <= GREATEST_VERSION && historyToken(id, version) === token ? version : undefined;
}

function checkTime(field: string, time: Timestamp | undefined, problems: Problems): number | undefined {
  if (!time) return undefined;
  const { seconds, nanos } = time;
  const valid = seconds >= SECONDS.min && seconds <= SECONDS.max && nanos >= 0 && nanos <= 999_999_999;
  if (!valid) problems.add(field, "OUT_OF_RANGE", "is no valid timestamp, expected one of the years 1 to 9999");
  return valid ? ms(time) : undefined;
}

function ms({ seconds, nanos }: Timestamp): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}
