import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type ConnectError, createRouterTransport, type Transport } from "@connectrpc/connect";
import { type Availability, AvailabilitySchema, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import {
  AvailabilityService,
  type CheckRequest,
  type WatchRequest,
  type WatchResponse,
  WatchResponseSchema,
} from "../../gen/availability/v1/availability_service_pb.ts";

export type Event = NonNullable<MessageInitShape<typeof WatchResponseSchema>["event"]>;

/** What the test's server answers to Checks: a sentence that no Watch says. */
export const BY_RPC = "answered by RPC";

/** TestWatch is one Watch that came to the test's server, which says what the test tells it to. */
export class TestWatch {
  readonly request: WatchRequest;
  readonly #signal: AbortSignal;
  readonly #outgoing: WatchResponse[] = [];
  #error: ConnectError | undefined;
  #ended = false;
  #wake = () => {};

  constructor(request: WatchRequest, signal: AbortSignal) {
    this.request = request;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake());
  }

  /** The client has left, or it has ended. */
  get over(): boolean {
    return this.#ended || this.#signal.aborted;
  }

  send(event: Event, resumeToken = ""): void {
    this.#outgoing.push(create(WatchResponseSchema, { event, resumeToken }));
    this.#wake();
  }

  /** Ends it: OK, or with an error. */
  end(error?: ConnectError): void {
    this.#ended = true;
    this.#error = error;
    this.#wake();
  }

  async *responses(): AsyncGenerator<WatchResponse> {
    while (!this.#signal.aborted) {
      const next = this.#outgoing.shift();
      if (next) yield next;
      else if (this.#ended) break;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    if (this.#error) throw this.#error;
  }
}

/** A server in this process, behind Connect's own in-memory transport. */
export interface TestServer {
  readonly transport: Transport;
  /** Every Watch that came, oldest first. */
  readonly watches: readonly TestWatch[];
  /** Every Check that came, oldest first. */
  readonly checks: readonly CheckRequest[];
  /** The newest Watch. */
  readonly watch: TestWatch;
}

export function startTestServer(
  options: { onWatch?: (watch: TestWatch) => void; check?: (request: CheckRequest) => Promise<Availability> } = {},
): TestServer {
  const watches: TestWatch[] = [];
  const checks: CheckRequest[] = [];
  const transport = createRouterTransport(({ service }) => {
    service(AvailabilityService, {
      async *watch(request, { signal }) {
        const watch = new TestWatch(request, signal);
        watches.push(watch);
        options.onWatch?.(watch);
        yield* watch.responses();
      },
      async check(request) {
        checks.push(request);
        const { destinationId } = request;
        const byRpc = create(AvailabilitySchema, { destinationId, verdict: Verdict.ACCEPTED, message: BY_RPC });
        return { availability: (await options.check?.(request)) ?? byRpc };
      },
    });
  });
  return {
    transport,
    watches,
    checks,
    get watch() {
      return watches.at(-1)!;
    },
  };
}
