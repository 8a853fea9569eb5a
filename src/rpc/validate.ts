import { type DescMethod, isMessage, type Message } from "@bufbuild/protobuf";
import {
  BatchCheckRequestSchema,
  type CheckRequest,
  CheckRequestSchema,
  type WatchRequest,
  WatchRequestSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import {
  DeleteDestinationRequestSchema,
  GetDestinationRequestSchema,
  ListDestinationsRequestSchema,
} from "../../gen/availability/v1/destination_service_pb.ts";
import { ID_PATTERN } from "../destinations/limits.ts";
import { durationMs, Problems } from "../destinations/problems.ts";
import { invalid } from "../lib/errors.ts";
import { parsePageToken } from "./paging.ts";

const MOST_IDS = 500;
const MOST_CHECKS = 500;
const TAGS = { most: 64, nameBytes: 64, valueBytes: 1024 };
const MOST_TOKEN_BYTES = 512;
const HEARTBEAT = { unset: 15_000, min: 1_000, max: 60_000 };

/** Throws ServiceError INVALID_ARGUMENT with every violation of a request; Configure is judged where it is compiled. */
export function validate(message: Message, method: DescMethod): void {
  const problems = new Problems();
  if (isMessage(message, CheckRequestSchema)) checkRequest(message, problems);
  else if (isMessage(message, BatchCheckRequestSchema)) {
    const { length } = message.checks;
    if (length > MOST_CHECKS)
      problems.add("checks", "TOO_MANY", `has ${length} checks, expected at most ${MOST_CHECKS}`);
  } else if (isMessage(message, WatchRequestSchema)) watchRequest(message, problems);
  else if (isMessage(message, GetDestinationRequestSchema) || isMessage(message, DeleteDestinationRequestSchema)) {
    problems.format("destination_id", message.destinationId, ID_PATTERN);
  } else if (isMessage(message, ListDestinationsRequestSchema)) {
    if (message.pageSize < 0) problems.add("page_size", "OUT_OF_RANGE", `is ${message.pageSize}, expected 0 or more`);
    if (parsePageToken(message.pageToken) === undefined) {
      problems.add(
        "page_token",
        "INVALID_FORMAT",
        "is no token of this service, expected a next_page_token or nothing",
      );
    }
  }
  if (problems.violations.length > 0) throw invalid(`call ${method.name}`, problems.violations);
}

/** The same for one item of a batch. */
export function validateCheck(message: CheckRequest): void {
  const problems = new Problems();
  checkRequest(message, problems);
  if (problems.violations.length > 0) throw invalid("check destination", problems.violations);
}

/** The heartbeat interval of a valid request, in milliseconds. */
export function heartbeatMs(request: WatchRequest): number {
  return new Problems().duration("heartbeat_interval", request.heartbeatInterval, HEARTBEAT);
}

function checkRequest(request: CheckRequest, problems: Problems): void {
  if (!ID_PATTERN.test(request.destinationId)) {
    problems.format("destination_id", request.destinationId, ID_PATTERN);
  }
  for (const [field, value] of [
    ["max_age", request.maxAge],
    ["max_wait", request.maxWait],
  ] as const) {
    if (value && !((durationMs(value) ?? -1) >= 0)) {
      problems.add(field, "OUT_OF_RANGE", "is negative or no valid duration, expected 0 or more");
    }
  }
  if (request.explain) problems.unsupported("explain", "an explanation");
  checkTags(request.tags, problems);
}

function checkTags(tags: Readonly<Record<string, string>>, problems: Problems): void {
  let count = 0;
  for (const name in tags) {
    if (++count > TAGS.most) {
      problems.add("tags", "TOO_MANY", `has more than ${TAGS.most} tags`);
      return;
    }
    const bytes = Buffer.byteLength(name);
    // Values of tags are the caller's data about a call: their sizes are named, never they themselves.
    if (bytes === 0 || bytes > TAGS.nameBytes) {
      problems.add("tags", "INVALID_FORMAT", `has a name of ${bytes} bytes, expected 1 to ${TAGS.nameBytes}`);
    }
    const size = Buffer.byteLength(tags[name] ?? "");
    if (size > TAGS.valueBytes) {
      problems.add("tags", "TOO_LONG", `has a value of ${size} bytes, expected at most ${TAGS.valueBytes}`);
    }
  }
}

function watchRequest(request: WatchRequest, problems: Problems): void {
  const { destinationIds } = request;
  if (destinationIds.length > MOST_IDS) {
    problems.add("destination_ids", "TOO_MANY", `has ${destinationIds.length} ids, expected at most ${MOST_IDS}`);
  }
  for (const [index, id] of destinationIds.slice(0, MOST_IDS).entries()) {
    problems.format(`destination_ids[${index}]`, id, ID_PATTERN);
  }
  problems.duration("heartbeat_interval", request.heartbeatInterval, HEARTBEAT);
  problems.text("resume_token", request.resumeToken, MOST_TOKEN_BYTES);
  if (destinationIds.length > 0 && Object.keys(request.labelSelector).length > 0) {
    problems.add("label_selector", "CONFLICT", "is given with destination_ids, expected one of the two");
  }
}
