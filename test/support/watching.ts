import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Client, ConnectError } from "@connectrpc/connect";
import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import type {
  AvailabilityService,
  WatchRequestSchema,
  WatchResponse,
} from "../../gen/availability/v1/availability_service_pb.ts";
import { errorOf } from "./clients.ts";

type Kind = NonNullable<WatchResponse["event"]["case"]>;

/** A Watch that is read one event after the other. */
export interface Watching {
  /** Events read so far, oldest first. */
  readonly events: readonly WatchResponse[];
  /** Reads up to the first event that is `wanted`, and gives it. */
  until(wanted: (event: WatchResponse) => boolean): Promise<WatchResponse>;
  untilKind(kind: Kind): Promise<WatchResponse>;
  /** Reads up to the first state that is `wanted`. */
  untilState(wanted: (state: Availability) => boolean): Promise<Availability>;
  /** Leaves the stream. */
  leave(): void;
  /** Reads to the end; the error it ends with. */
  end(): Promise<ConnectError>;
}

export function watching(
  client: Client<typeof AvailabilityService>,
  request: MessageInitShape<typeof WatchRequestSchema>,
): Watching {
  const control = new AbortController();
  const stream = client.watch(request, { signal: control.signal })[Symbol.asyncIterator]();
  const events: WatchResponse[] = [];
  async function until(wanted: (event: WatchResponse) => boolean): Promise<WatchResponse> {
    for (;;) {
      const { done, value } = await stream.next();
      if (done) throw new Error(`Cannot wait for an event: the Watch ended after ${kindsOf(events).join(", ")}`);
      events.push(value);
      if (wanted(value)) return value;
    }
  }
  return {
    events,
    until,
    untilKind: (kind) => until(({ event }) => event.case === kind),
    async untilState(wanted) {
      const { event } = await until(({ event }) => event.case === "availability" && wanted(event.value));
      return event.value as Availability;
    },
    leave: () => control.abort(),
    end: () => errorOf(until(() => false)),
  };
}

export function kindsOf(events: readonly WatchResponse[]): (Kind | undefined)[] {
  return events.map(({ event }) => event.case);
}
