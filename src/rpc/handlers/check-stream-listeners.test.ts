import { EventEmitter, once } from "node:events";
import { connect } from "node:http2";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import {
  AvailabilityService,
  type CheckStreamRequest,
  CheckStreamRequestSchema,
  type CheckStreamResponse,
  CheckStreamResponseSchema,
} from "../../../gen/availability/v1/availability_service_pb.ts";
import { RetryInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { clientOf, DUPLEX, failureOf, startBoth } from "../test-listeners.ts";
import { checkStreamHandlers } from "./check-stream.ts";
import { brief, heldChecks, item } from "./test-check-stream.ts";

const PATH = `/${AvailabilityService.typeName}/CheckStream`;
const CALL = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };
const exporter = new InMemorySpanExporter();

let checks: ReturnType<typeof heldChecks>;
let both: Awaited<ReturnType<typeof startBoth>>;
/** The span that was active when a check was asked. */
let active: (string | undefined)[];

beforeAll(() => {
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

beforeEach(async () => {
  checks = heldChecks();
  active = [];
  exporter.reset();
  both = await startBoth(
    checkStreamHandlers({
      check(query, caller) {
        active.push(trace.getActiveSpan()?.spanContext().spanId);
        return checks.check(query, caller);
      },
    }),
  );
});

afterEach(() => both.stop());

const held = (count: number) => vi.waitFor(() => expect(checks.held).toHaveLength(count), { interval: 1 });

/** A request as gRPC frames it. */
function frame(request: CheckStreamRequest): Buffer {
  const message = toBinary(CheckStreamRequestSchema, request);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Requests that a test sends one by one. */
function sender() {
  const sent: CheckStreamRequest[] = [];
  const news = new EventEmitter();
  let closed = false;
  return {
    send(...requests: CheckStreamRequest[]) {
      sent.push(...requests);
      news.emit("more");
    },
    halfClose() {
      closed = true;
      news.emit("more");
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        yield* sent.splice(0);
        if (sent.length > 0) continue;
        if (closed) return;
        await once(news, "more");
      }
    },
  };
}

describe.each(DUPLEX)("checkStream(), %s", (name) => {
  function open(options: { signal?: AbortSignal; timeoutMs?: number } = {}) {
    const requests = sender();
    const stream = clientOf(both.transports[name]!()).checkStream(requests, options)[Symbol.asyncIterator]();
    const take = async (count: number) => {
      const all: string[] = [];
      while (all.length < count) all.push(brief((await stream.next()).value as CheckStreamResponse));
      return all;
    };
    return { requests, stream, take };
  }

  test("answers as the answers are known, and ends OK after the half-close, all in one span", async () => {
    const { requests, stream, take } = open();
    requests.send(item("1", "cold"), item("2", "hot"), item("3", "missing"), item("1", "hot"));
    expect(await take(3)).toEqual(["2: hot", "3: error 5", "1: error 3 request_id DUPLICATE"]);
    requests.halfClose();
    await held(1);
    checks.held[0]!.answer();
    expect(await take(1)).toEqual(["1: cold"]);
    expect((await stream.next()).done).toBe(true);
    const spans = await vi.waitFor(() => {
      const [span, ...more] = exporter.getFinishedSpans();
      expect(span).toBeDefined();
      return [span!, ...more];
    });
    expect(spans.map((span) => span.name)).toEqual(["availability.v1.AvailabilityService/CheckStream"]);
    expect(active).toEqual(Array(3).fill(spans[0]!.spanContext().spanId));
  });

  test("answers one item with RESOURCE_EXHAUSTED when 1,024 wait, and lives on", async () => {
    const { requests, stream, take } = open();
    requests.send(...Array.from({ length: 1025 }, (_, i) => item(`${i}`, "cold")));
    expect(await take(1)).toEqual(["1024: error 8"]);
    for (const one of [...checks.held]) one.answer();
    expect(await take(1024)).toHaveLength(1024);
    requests.send(item("after", "hot"));
    requests.halfClose();
    expect(await take(1)).toEqual(["after: hot"]);
    expect((await stream.next()).done).toBe(true);
  });

  test("leaves no check behind when the client cancels", async () => {
    const control = new AbortController();
    const { requests, stream } = open({ signal: control.signal });
    requests.send(item("1", "cold"), item("2", "cool"));
    const failure = failureOf(stream.next());
    await held(2);
    control.abort();
    expect((await failure).code).toBe(Code.Canceled);
    await held(0);
  });

  test("leaves no check behind when the stream's deadline passes, which each check was told of", async () => {
    const { requests, stream } = open({ timeoutMs: 200 });
    requests.send(item("1", "cold"));
    const failure = failureOf(stream.next());
    await held(1);
    const left = checks.held[0]!.caller.timeoutMs()!;
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(200);
    expect((await failure).code).toBe(Code.DeadlineExceeded);
    await held(0);
  });

  test("answers what was read when the server drains, then UNAVAILABLE with RetryInfo", async () => {
    const { requests, stream, take } = open();
    requests.send(item("1", "cold"), item("2", "hot"));
    await take(1);
    const { promise: ending, resolve } = Promise.withResolvers<void>();
    both.lifecycle.follow((phase) => phase === "closing" && resolve());
    const stopped = both.stop();
    await ending;
    requests.send(item("late", "hot"));
    checks.held[0]!.answer();
    expect(await take(1)).toEqual(["1: cold"]);
    const error = await failureOf(stream.next());
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    requests.halfClose();
    await stopped;
  });
});

describe.each(["grpc", "http"] as const)("checkStream() for grpc-js on the %s port", (port) => {
  let client: Client;
  beforeEach(() => {
    client = new Client(`127.0.0.1:${both[port].port}`, credentials.createInsecure());
  });
  afterEach(() => client.close());

  function open() {
    const stream = client.makeBidiStreamRequest(
      PATH,
      (request: CheckStreamRequest) => Buffer.from(toBinary(CheckStreamRequestSchema, request)),
      (bytes: Buffer) => fromBinary(CheckStreamResponseSchema, bytes),
      new Metadata(),
    );
    stream.on("error", () => {});
    return stream;
  }

  test("answers each of 5,000 pipelined checks, known at once or later, exactly once", async () => {
    const stream = open();
    const ids = Array.from({ length: 5000 }, (_, i) => `${i}`);
    const answered: string[] = [];
    stream.on("data", (answer: CheckStreamResponse) => answered.push(brief(answer)));
    const answering = setInterval(() => {
      for (const one of [...checks.held]) one.answer();
    }, 1);
    for (const id of ids) stream.write(item(id, Number(id) % 3 === 1 ? "cold" : "hot"));
    stream.end();
    const [end] = await once(stream, "status");
    clearInterval(answering);
    expect(end.code).toBe(status.OK);
    expect(answered.sort()).toEqual(ids.map((id) => `${id}: ${Number(id) % 3 === 1 ? "cold" : "hot"}`).sort());
    expect(checks.most).toBeLessThanOrEqual(1024);
  });

  test("stops reading from a client that does not read, and answers all when it does", async () => {
    const session = connect(`http://127.0.0.1:${both[port].port}`);
    const stream = session.request(CALL);
    const count = 3000;
    for (let i = 0; i < count; i++) stream.write(frame(item(`${i}`, "hot-and-long")));
    stream.end();
    await once(stream, "response");
    // The server has nothing left to do once it stays where it is while other calls come and go.
    let before = -1;
    while (before !== checks.queries.length) {
      before = checks.queries.length;
      for (let i = 0; i < 10; i++) await callAndReturn();
    }
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(1000);
    let bytes = 0;
    stream.on("data", (chunk) => (bytes += chunk.length));
    await once(stream, "end");
    expect(bytes).toBeGreaterThan(count * 2000);
    expect(checks.queries).toHaveLength(count);
    session.close();
  });

  /** Another call, on another connection, there and back. */
  async function callAndReturn(): Promise<void> {
    const call = client.makeBidiStreamRequest(PATH, Buffer.from, (bytes: Buffer) => bytes, new Metadata());
    call.resume();
    call.end();
    await once(call, "status");
  }

  test("leaves no check behind when the connection is cut", async () => {
    const session = connect(`http://127.0.0.1:${both[port].port}`);
    session.on("error", () => {});
    const stream = session.request(CALL);
    stream.on("error", () => {});
    stream.write(frame(item("1", "cold")));
    await held(1);
    session.destroy();
    await held(0);
    expect(checks.queries).toHaveLength(1);
  });

  test("fails the stream and leaves no check behind when a message is no request", async () => {
    const raw = client.makeBidiStreamRequest(
      PATH,
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      new Metadata(),
    );
    raw.resume();
    raw.write(Buffer.from(toBinary(CheckStreamRequestSchema, item("1", "cold"))));
    await held(1);
    raw.write(Buffer.from([0x0a, 0xff]));
    const [error] = await once(raw, "error");
    // Connect's gRPC keeps to gRPC's table here.
    expect(error.code).toBe(port === "grpc" ? status.INVALID_ARGUMENT : status.INTERNAL);
    await held(0);
  });
});
