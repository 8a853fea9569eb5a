import { type DescMethod, isMessage, type Message } from "@bufbuild/protobuf";
import {
  BatchCheckRequestSchema,
  type CheckRequest,
  CheckRequestSchema,
  type WatchRequest,
  WatchRequestSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";
import {
  DeleteConnectionRequestSchema,
  GetConnectionRequestSchema,
  ListCallQueuesRequestSchema,
  ListConnectionsRequestSchema,
} from "../../gen/availability/v1/connection_service_pb.ts";
import {
  DeleteDestinationRequestSchema,
  GetDestinationRequestSchema,
  GetPresenceRequestSchema,
  ListAvailabilityHistoryRequestSchema,
  ListDestinationsRequestSchema,
  ListTemplatesRequestSchema,
  ListUpstreamCallsRequestSchema,
  TestDestinationRequestSchema,
} from "../../gen/availability/v1/destination_service_pb.ts";
import { invalid } from "../lib/errors.ts";
import { ID_PATTERN } from "../lib/ids.ts";
import { Problems } from "../lib/problems.ts";
import { checkHistoryRequest } from "./history-request.ts";
import { parseCallToken, parsePageToken } from "./paging.ts";

const MOST_IDS = 500;
const MOST_CHECKS = 500;
const TAGS = { most: 64, nameBytes: 64, valueBytes: 1024 };
const ANY_SPAN = { unset: 0, min: 0, max: Number.POSITIVE_INFINITY };
const HEARTBEAT = { unset: 15_000, min: 1_000, max: 60_000 };

/** Throws ServiceError INVALID_ARGUMENT with every violation of a request; the two Configures are judged where they are done. */
export function validate(message: Message, method: DescMethod): void {
  const problems = new Problems();
  if (isMessage(message, CheckRequestSchema)) checkRequest(message, "", problems);
  else if (isMessage(message, BatchCheckRequestSchema)) {
    const { length } = message.checks;
    if (length > MOST_CHECKS)
      problems.add("checks", "TOO_MANY", `has ${length} checks, expected at most ${MOST_CHECKS}`);
  } else if (isMessage(message, WatchRequestSchema)) watchRequest(message, problems);
  else if (namesDestination(message)) problems.format("destination_id", message.destinationId, ID_PATTERN);
  else if (isMessage(message, TestDestinationRequestSchema)) {
    const { target } = message;
    if (target.case === "destinationId") problems.format("destination_id", target.value, ID_PATTERN);
    else if (!target.case) problems.add("target", "REQUIRED", "is absent, expected one of destination_id, destination");
    checkTags("tags", message.tags, problems);
  } else if (namesConnection(message)) problems.format("connection_id", message.connectionId, ID_PATTERN);
  else if (isMessage(message, ListCallQueuesRequestSchema)) {
    problems.format("connection_id", message.connectionId, ID_PATTERN);
    checkPage(message, parsePageToken(message.pageToken) !== undefined, problems);
  } else if (listsById(message)) {
    checkPage(message, parsePageToken(message.pageToken) !== undefined, problems);
  } else if (isMessage(message, ListUpstreamCallsRequestSchema)) {
    problems.format("destination_id", message.destinationId, ID_PATTERN);
    checkPage(message, message.pageToken === "" || parseCallToken(message.pageToken) !== undefined, problems);
  } else if (isMessage(message, ListAvailabilityHistoryRequestSchema)) checkHistoryRequest(message, problems);
  if (problems.violations.length > 0) throw invalid(`call ${method.name}`, problems.violations);
}

function checkPage({ pageSize }: { pageSize: number }, tokenIsOurs: boolean, problems: Problems): void {
  if (pageSize < 0) problems.add("page_size", "OUT_OF_RANGE", `is ${pageSize}, expected 0 or more`);
  if (tokenIsOurs) return;
  problems.add("page_token", "INVALID_FORMAT", "is no token of this service, expected a next_page_token or nothing");
}

function namesDestination(message: Message) {
  return (
    isMessage(message, GetDestinationRequestSchema) ||
    isMessage(message, DeleteDestinationRequestSchema) ||
    isMessage(message, GetPresenceRequestSchema)
  );
}

function namesConnection(message: Message) {
  return isMessage(message, GetConnectionRequestSchema) || isMessage(message, DeleteConnectionRequestSchema);
}

function listsById(message: Message) {
  return (
    isMessage(message, ListDestinationsRequestSchema) ||
    isMessage(message, ListTemplatesRequestSchema) ||
    isMessage(message, ListConnectionsRequestSchema)
  );
}

/** The same for one item of a batch; `path` begins the path of each violation, for example "checks[3].". */
export function validateCheck(message: CheckRequest, path: string): void {
  const problems = new Problems();
  checkRequest(message, path, problems);
  // An explanation is as large as a queue's whole answer: one at a time.
  if (message.explain) problems.unsupported(`${path}explain`, { expected: "Check, for one destination at a time" });
  if (problems.violations.length > 0) throw invalid("check destination", problems.violations);
}

/** The heartbeat interval of a valid request, in milliseconds. */
export function heartbeatMs(request: WatchRequest): number {
  return new Problems().duration("heartbeat_interval", request.heartbeatInterval, HEARTBEAT);
}

function checkRequest(request: CheckRequest, path: string, problems: Problems): void {
  problems.format(`${path}destination_id`, request.destinationId, ID_PATTERN);
  problems.duration(`${path}max_age`, request.maxAge, ANY_SPAN);
  problems.duration(`${path}max_wait`, request.maxWait, ANY_SPAN);
  checkTags(`${path}tags`, request.tags, problems);
}

function checkTags(field: string, tags: Readonly<Record<string, string>>, problems: Problems): void {
  const all = Object.entries(tags);
  if (all.length > TAGS.most) {
    problems.add(field, "TOO_MANY", `has ${all.length} tags, expected at most ${TAGS.most}`);
    return;
  }
  // Tags are the caller's data about a call: their sizes are named, never they themselves.
  for (const [name, value] of all) {
    const bytes = Buffer.byteLength(name);
    if (bytes > TAGS.nameBytes) {
      problems.add(field, "TOO_LONG", `has a name of ${bytes} bytes, expected at most ${TAGS.nameBytes}`);
    }
    const size = Buffer.byteLength(value);
    if (size > TAGS.valueBytes) {
      problems.add(field, "TOO_LONG", `has a value of ${size} bytes, expected at most ${TAGS.valueBytes}`);
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
  if (destinationIds.length > 0 && Object.keys(request.labelSelector).length > 0) {
    problems.add("label_selector", "CONFLICT", "is given with destination_ids, expected one of the two");
  }
}
