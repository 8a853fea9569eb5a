import { Code, ConnectError, createClient } from "@connectrpc/connect";
import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { Condition, type ReplicaState } from "./condition.ts";
import { type CheckOptions, FallBack, isMaxAge } from "./fall-back.ts";
import { Feed } from "./feed.ts";
import { type AvailabilityClientOptions, settingsOf } from "./options.ts";
import { Replica } from "./replica.ts";

export {
  type AgentCounts,
  type Availability,
  Reason,
  Source,
  Verdict,
} from "../../gen/availability/v1/availability_pb.ts";
export type { Clock } from "./clock.ts";
export type { ReplicaState } from "./condition.ts";
export type { CheckOptions } from "./fall-back.ts";
export { type AvailabilityClientOptions, OptionsError, type OptionViolation } from "./options.ts";

/** AvailabilityClient answers from a replica that a Watch feeds, and asks the server where that is not enough. */
export interface AvailabilityClient {
  /**
   * May this destination get the call? A plain value when what is held is decided and no older than asked for certain,
   * else a promise of what the server answers to an RPC. `await` suits both. An answer is shared with others: do not
   * change it. The promise rejects with ConnectError: NOT_FOUND, DEADLINE_EXCEEDED, UNAVAILABLE, CANCELED after close().
   */
  check(destinationId: string, options?: CheckOptions): Availability | Promise<Availability>;
  /** How well the replica is fed, see ReplicaState. */
  readonly state: ReplicaState;
  /** Resolves when it is READY for the first time. It rejects only when the client is closed before: until then it tries. */
  readonly ready: Promise<void>;
  /** The least maxAgeMs that answers from memory can meet at all times, in milliseconds: what is confirmed with each heartbeat does. */
  readonly smallestMaxAgeMs: number;
  /** Ends the Watch and every RPC under way. */
  close(): void;
}

/** Creates a client and begins to watch. Throws OptionsError, a RangeError with every violation. */
export function createAvailabilityClient(options: AvailabilityClientOptions): AvailabilityClient {
  const settings = settingsOf(options);
  const { clock, transport, query, timeoutMs, drift, smallestMaxAgeMs } = settings;
  const defaultMaxAgeMs = settings.maxAgeMs;
  const client = createClient(AvailabilityService, transport);
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  ready.catch(() => {}); // Nobody may be waiting for it.
  const replica = new Replica(drift);
  const fallBack = new FallBack(client, timeoutMs);
  const condition = new Condition({
    clock,
    replica,
    maxAgeMs: defaultMaxAgeMs,
    onChange: (state) => tell(settings.onStateChange, state),
  });
  const feed = new Feed({
    clock,
    client,
    replica,
    query,
    onSynced() {
      condition.fed();
      resolve();
    },
    onCut: () => condition.cut(),
    onError: (error) => tell(settings.onWatchError, error),
  });

  return {
    ready,
    smallestMaxAgeMs,
    get state() {
      return condition.state;
    },
    check(destinationId, options) {
      const maxAgeMs = options?.maxAgeMs ?? defaultMaxAgeMs;
      if (maxAgeMs === undefined || isMaxAge(maxAgeMs)) {
        if (maxAgeMs !== undefined && maxAgeMs > condition.greatestMaxAgeMs) condition.asked(maxAgeMs);
        const answer = replica.answer(destinationId, maxAgeMs, clock.now());
        if (answer) return answer;
      }
      return fallBack.check(destinationId, { ...options, maxAgeMs });
    },
    close() {
      feed.close();
      fallBack.close();
      replica.forget();
      condition.close();
      reject(new ConnectError("Cannot wait until the client is ready: it is closed", Code.Canceled));
    },
  };
}

/** What a listener throws is its own: it is not caught here, and keeps nobody from being told. */
function tell<T>(listener: (value: T) => void, value: T): void {
  try {
    listener(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
