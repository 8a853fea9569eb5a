import { clone, create } from "@bufbuild/protobuf";
import { durationFromMs, TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  type Connection,
  ConnectionSchema,
  PushState,
  UsageGroupSchema,
} from "../../gen/availability/v1/connection_pb.ts";
import { WarningSchema } from "../../gen/availability/v1/error_pb.ts";
import type { ConnectionStatus, GroupStatus } from "../ringcentral/connection-status.ts";
import { timestamp } from "./convert-availability.ts";

const PUSH_STATES: Record<ConnectionStatus["push"], PushState> = {
  NONE: PushState.UNSPECIFIED,
  CONNECTING: PushState.CONNECTING,
  LIVE: PushState.LIVE,
  DOWN: PushState.DOWN,
};

/** A connection as configured, with how it is doing filled in; without a status, only how many destinations use it. */
export function connectionMessage(
  configured: Connection,
  known: { status: ConnectionStatus | undefined; destinationCount: number },
): Connection {
  const message = clone(ConnectionSchema, configured);
  const { status } = known;
  message.destinationCount = status?.destinationCount ?? known.destinationCount;
  if (!status) return message;
  const { expiresAt, refreshExpiresAt, achievableAgeMs } = status;
  if (message.credentialStatus) {
    if (expiresAt !== undefined) message.credentialStatus.expiresAt = timeOf(expiresAt);
    if (refreshExpiresAt !== undefined) message.credentialStatus.refreshExpiresAt = timeOf(refreshExpiresAt);
  }
  message.groups = status.groups.map(groupMessage);
  message.pushState = PUSH_STATES[status.push];
  message.demandCount = status.demandCount;
  if (achievableAgeMs !== undefined) message.achievableAge = durationFromMs(Math.ceil(achievableAgeMs));
  message.lastError = status.lastError;
  message.warnings = status.warnings.map((warning) => create(WarningSchema, warning));
  return message;
}

function groupMessage({ name, limit, left, penaltyUntil }: GroupStatus) {
  const penalty = penaltyUntil === undefined ? {} : { penaltyUntil: timeOf(penaltyUntil) };
  return create(UsageGroupSchema, { name, limit, left, ...penalty });
}

function timeOf(ms: number) {
  return create(TimestampSchema, timestamp(ms));
}
