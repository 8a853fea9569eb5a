import type { MessageInitShape } from "@bufbuild/protobuf";
import { RegexType, Scope } from "../../gen/availability/v1/acceptance_pb.ts";
import type { Destination, DestinationSchema, PresenceDetail } from "../../gen/availability/v1/destination_pb.ts";

export type DestinationInit = Exclude<MessageInitShape<typeof DestinationSchema>, Destination>;

/** What a test says about a destination of a simulator; times in milliseconds. */
export interface DestinationSketch {
  id?: string;
  /** The simulator's first queue unless given. */
  queueId?: string;
  /** The simulator's token unless given; null = none is sent. */
  token?: string | null;
  /** The connection it asks over, in place of a token. */
  connectionId?: string;
  maxAgeMs?: number;
  timeoutMs?: number;
  onlyExtensions?: string[];
  presenceDetail?: PresenceDetail;
  acceptance?: DestinationInit["acceptance"];
  failure?: DestinationInit["failure"];
  labels?: Record<string, string>;
  disabled?: boolean;
}

/** A destination that asks about a queue of `simulator`. */
export function destinationOf(
  simulator: { origin: string; token: string; world: { queueIds: string[] } },
  sketch: DestinationSketch = {},
): DestinationInit {
  const { id = "sales", queueId = simulator.world.queueIds[0]!, token = simulator.token, maxAgeMs, timeoutMs } = sketch;
  const { acceptance, failure, labels, disabled, onlyExtensions = [], presenceDetail, connectionId } = sketch;
  const credential = { kind: { case: "bearerToken" as const, value: token ?? "" } };
  const access =
    connectionId === undefined
      ? { case: "credential" as const, value: credential }
      : { case: "connectionId" as const, value: connectionId };
  return {
    id,
    ...(labels && { labels }),
    ...(disabled && { disabled }),
    ...(timeoutMs !== undefined && { timeout: duration(timeoutMs) }),
    ...(maxAgeMs !== undefined && { freshness: { maxAge: duration(maxAgeMs) } }),
    ...(acceptance && { acceptance }),
    ...(failure && { failure }),
    template: {
      case: "ringCentral",
      value: {
        callQueueId: queueId,
        serverUrl: simulator.origin,
        onlyExtensions,
        ...(presenceDetail !== undefined && { presenceDetail }),
        ...(token !== null && { access }),
      },
    },
  };
}

/** A Duration of milliseconds. */
export function duration(ms: number): { seconds: bigint; nanos: number } {
  return { seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1_000_000 };
}

/** COUNT of a pattern, RECORDS unless given. */
export function countOf(pattern: string, scope: Scope = Scope.RECORDS): NonNullable<DestinationInit["acceptance"]> {
  return { criterion: { case: "regex", value: { type: RegexType.COUNT, pattern, scope } } };
}
