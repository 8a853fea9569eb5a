import { connect } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { WatchResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ServiceError } from "../lib/errors.ts";
import { type Driven, drive, type Source } from "./driven.ts";
import { clientOf, collect, failureOf, startBoth } from "./test-listeners.ts";

const GRPC = "gRPC on the gRPC port";

/** A source that a test fills; what it does when it is taken from can be replaced. */
class TestSource implements Source {
  readonly messages: Uint8Array[] = [];
  ended = false;
  taken = 0;
  closed = 0;
  wake = () => {};
  next: () => Uint8Array | undefined = () => this.messages.shift();

  take(): Uint8Array | undefined {
    const bytes = this.next();
    if (bytes) this.taken++;
    return bytes;
  }

  send(...tokens: string[]): void {
    this.messages.push(...tokens.map(message));
    this.wake();
  }

  stop(): void {
    this.ended = true;
  }

  close(): void {
    this.closed++;
  }
}

function message(resumeToken: string): Uint8Array {
  return Buffer.from(toBinary(WatchResponseSchema, create(WatchResponseSchema, { resumeToken })));
}

let source: TestSource;
let both: Awaited<ReturnType<typeof startBoth>>;

beforeEach(async () => {
  source = new TestSource();
  const driven: Driven<never> = {
    [Symbol.asyncIterator]: () => expect.unreachable("the gRPC port drives what it can drive"),
    [drive](wake) {
      source.wake = wake;
      return source;
    },
  };
  both = await startBoth({ watch: () => driven, check: () => ({}) });
});
afterEach(async () => {
  await both.stop();
});

function watch(options: { signal?: AbortSignal; timeoutMs?: number } = {}) {
  return clientOf(both.transports[GRPC]!()).watch({}, options)[Symbol.asyncIterator]();
}

describe("a driven stream", () => {
  test("sends what there is, what comes later, and ends well when its source has ended", async () => {
    source.send("1", "2");
    const stream = watch();
    expect((await stream.next()).value.resumeToken).toBe("1");
    expect((await stream.next()).value.resumeToken).toBe("2");
    const next = stream.next();
    source.send("3");
    expect((await next).value.resumeToken).toBe("3");
    source.send("4");
    source.ended = true;
    source.wake();
    expect((await stream.next()).value.resumeToken).toBe("4");
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(source.closed).toBe(1);
  });

  test("ends well without a message when there is none", async () => {
    source.ended = true;
    expect(await collect(clientOf(both.transports[GRPC]!()).watch({}))).toEqual([]);
    expect(source.closed).toBe(1);
  });

  test("fails with what its source throws, after what was sent before", async () => {
    source.send("1");
    const stream = watch();
    await stream.next();
    source.next = () => {
      throw new ServiceError("NOT_FOUND", "Cannot go on");
    };
    const failure = failureOf(stream.next());
    source.wake();
    expect(await failure).toMatchObject({ code: Code.NotFound, rawMessage: "Cannot go on" });
    expect(source.closed).toBe(1);
  });

  test("lets its source go when the client leaves, and takes nothing more", async () => {
    source.send("1");
    const control = new AbortController();
    const stream = watch({ signal: control.signal });
    await stream.next();
    const failure = failureOf(stream.next());
    control.abort();
    expect((await failure).code).toBe(Code.Canceled);
    await vi.waitUntil(() => source.closed > 0);
    const { taken } = source;
    source.send("2");
    expect([source.taken, source.closed]).toEqual([taken, 1]);
  });

  test("lets its source go at the caller's deadline", async () => {
    const stream = watch({ timeoutMs: 50 });
    expect((await failureOf(stream.next())).code).toBe(Code.DeadlineExceeded);
    await vi.waitUntil(() => source.closed > 0);
    expect(source.closed).toBe(1);
  });

  test("ends with UNAVAILABLE when the server drains", async () => {
    source.send("1");
    const stream = watch();
    await stream.next();
    const failure = failureOf(stream.next());
    const stopped = both.stop();
    const error = await failure;
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    await stopped;
    expect(source.closed).toBe(1);
  });

  test("is taken from no faster than its reader reads, and again when he goes on", async () => {
    const large = message("x".repeat(1000));
    source.next = () => (source.taken < 100_000 ? large : undefined);
    const session = connect(both.grpcUrl, { settings: { initialWindowSize: 20_000 } });
    const call = session.request({
      ":method": "POST",
      ":path": "/availability.v1.AvailabilityService/Watch",
      "content-type": "application/grpc",
      te: "trailers",
    });
    call.pause();
    call.end(Buffer.alloc(5));
    await vi.waitUntil(() => source.taken > 0);
    // Others are served meanwhile, and nothing is taken beyond the window, what was written last, and what the client's
    // own buffer holds.
    for (let calls = 0; calls < 50; calls++) await clientOf(both.transports[GRPC]!()).check({ destinationId: "q" });
    expect(source.taken).toBeLessThan(100);
    const { taken } = source;
    call.resume();
    await vi.waitUntil(() => source.taken > taken + 100);
    session.destroy();
    await vi.waitUntil(() => source.closed > 0);
  });
});
