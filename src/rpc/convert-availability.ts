import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  AgentCountsSchema,
  type Availability,
  AvailabilitySchema,
  Reason,
  Source,
  Verdict,
} from "../../gen/availability/v1/availability_pb.ts";
import { type CheckResponse, CheckResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Answer } from "../availability/answer.ts";
import { preEncode } from "./encode.ts";

const messages = new WeakMap<Answer, Availability>();
const responses = new WeakMap<Answer, CheckResponse>();

/** The message of an answer; of a watched state, which many get, it is made and serialised once. */
export function availabilityMessage(answer: Answer): Availability {
  const known = messages.get(answer);
  if (known) return known;
  const message = create(AvailabilitySchema, {
    destinationId: answer.destinationId,
    accepted: answer.accepted,
    verdict: Verdict[answer.verdict],
    reason: Reason[answer.reason],
    message: answer.message,
    source: Source[answer.source],
    destinationRevision: answer.destinationRevision,
    version: answer.version,
    ...(answer.measured !== undefined && { measured: answer.measured }),
    ...(answer.availableAgents !== undefined && { availableAgents: answer.availableAgents }),
    ...(answer.agents && { agents: create(AgentCountsSchema, answer.agents) }),
    ...time("observedAt", answer.observedAt),
    ...time("validUntil", answer.validUntil),
    ...time("retryAt", answer.retryAt),
  });
  if (isShared(answer)) messages.set(answer, preEncode(AvailabilitySchema, message));
  return message;
}

/** The answer to a Check; of a watched state it is made and serialised once. */
export function checkResponse(answer: Answer): CheckResponse {
  const known = responses.get(answer);
  if (known) return known;
  const response = create(CheckResponseSchema, { availability: availabilityMessage(answer) });
  if (isShared(answer)) responses.set(answer, preEncode(CheckResponseSchema, response));
  return response;
}

function isShared(answer: Answer): boolean {
  return answer.version !== 0n;
}

/** A timestamp to the microsecond, or nothing; sub-millisecond parts tell reads of one burst apart. */
export function timestamp(ms: number) {
  const { seconds, nanos } = timestampFromMs(Math.floor(ms));
  return { seconds, nanos: nanos + Math.floor((ms - Math.floor(ms)) * 1000) * 1000 };
}

function time(field: "observedAt" | "validUntil" | "retryAt", ms: number | undefined) {
  return ms === undefined ? {} : { [field]: timestamp(ms) };
}
