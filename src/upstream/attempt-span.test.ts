import { context, ROOT_CONTEXT, type SpanContext, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { upstreamAttempted } from "../telemetry/events.ts";
import { createAllowList } from "./allow-list.ts";
import type { UpstreamCall } from "./attempt-span.ts";
import { createDispatcher } from "./dispatcher.ts";
import { createHttpClient, type SendOptions } from "./http-client.ts";
import { reset, startServer, type TestServer } from "./test-server.ts";

vi.mock("../telemetry/events.ts", () => ({ upstreamAttempted: vi.fn<typeof upstreamAttempted>() }));

type Processor = NonNullable<NonNullable<ConstructorParameters<typeof NodeSDK>[0]>["spanProcessors"]>[number];
type Ended = Parameters<Processor["onEnd"]>[0];

const ended: Ended[] = [];
const collect: Processor = {
  onStart() {},
  onEnd: (span) => void ended.push(span),
  forceFlush: async () => {},
  shutdown: async () => {},
};
const sdk = new NodeSDK({
  spanProcessors: [collect],
  metricReaders: [],
  logRecordProcessors: [],
  autoDetectResources: false,
});

let server: TestServer;
let dispatcher: ReturnType<typeof createDispatcher>;
beforeAll(() => sdk.start());
afterAll(() => sdk.shutdown());
afterEach(async () => {
  ended.length = 0;
  vi.mocked(upstreamAttempted).mockClear();
  await dispatcher.destroy();
  await server.close();
});

async function get(answer: Parameters<typeof startServer>[0], options: Partial<SendOptions> = {}) {
  server = await startServer(answer);
  dispatcher = createDispatcher({ allowList: createAllowList([server.origin]) });
  return await createHttpClient({ dispatcher, clock: systemClock, random: () => 0 }).send(
    {
      method: "GET",
      url: `${server.origin}/queues/1/presence`,
      headers: [["Authorization", "Bearer s3cret"]],
      secrets: [],
      route: "/queues/{queue}/presence",
      judge: ({ status }) => (status === 200 ? "OK" : "UPSTREAM_NOT_FOUND"),
    },
    { timeUp: new AbortController().signal, ...options },
  );
}

const rpc = (n: number, traceFlags = 1): SpanContext => ({
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: n.toString(16).padStart(16, "0"),
  traceFlags,
});

describe("the span of an attempt", () => {
  test("tells what was asked and answered, and nothing secret, when all is well", async () => {
    const active = trace.setSpan(ROOT_CONTEXT, trace.wrapSpanContext(rpc(9)));
    await context.with(active, () =>
      get((response) =>
        response
          .writeHead(200, {
            RCRequestId: "1b2c-3d",
            "X-Rate-Limit-Group": "light",
            "X-Rate-Limit-Limit": "50",
            "X-Rate-Limit-Remaining": "17",
            "X-Rate-Limit-Window": "60",
          })
          .end("{}"),
      ),
    );
    expect(ended).toHaveLength(1);
    const [span] = ended;
    expect(span).toMatchObject({
      name: "GET /queues/{queue}/presence",
      kind: SpanKind.CLIENT,
      parentSpanContext: undefined,
    });
    expect(span?.spanContext().traceId).not.toBe(rpc(9).traceId);
    expect(span?.attributes).toEqual({
      "http.request.method": "GET",
      "http.response.status_code": 200,
      "url.scheme": "http",
      "url.path": "/queues/1/presence",
      "url.template": "/queues/{queue}/presence",
      "server.address": "127.0.0.1",
      "server.port": Number(new URL(server.origin).port),
      "ringcentral.request_id": "1b2c-3d",
      "ringcentral.rate_limit.group": "light",
      "ringcentral.rate_limit.remaining": 17,
    });
    expect(span?.status.code).toBe(SpanStatusCode.UNSET);
    expect(server.requests[0]?.headers).not.toHaveProperty("traceparent");
    expect(server.requests[0]?.headers).not.toHaveProperty("tracestate");
  });

  test("comes once for every attempt when there is a retry and a redirect", async () => {
    const kept: UpstreamCall[] = [];
    await get(
      (response, number) => {
        if (number === 1) reset(response);
        else if (number === 2) response.writeHead(302, { Location: "/elsewhere?access_token=s3cret" }).end();
        else response.writeHead(404, { RCRequestId: "1b2c-3d" }).end("{}");
      },
      { onAttempt: (call) => kept.push(call) },
    );
    expect(kept.map((call) => [call.attempt, call.status, call.path, call.reason, call.rcRequestId])).toEqual([
      [1, 0, "/queues/1/presence", "UPSTREAM_UNAVAILABLE", undefined],
      [2, 302, "/queues/1/presence", undefined, undefined],
      [3, 404, "/elsewhere", "UPSTREAM_NOT_FOUND", "1b2c-3d"],
    ]);
    expect(kept.map(({ traceId }) => traceId)).toEqual(ended.map((span) => span.spanContext().traceId));
    expect(ended.map(({ attributes: a }) => [a["http.request.resend_count"], a["error.type"], a["url.path"]])).toEqual([
      [undefined, "reset", "/queues/1/presence"],
      [1, undefined, "/queues/1/presence"],
      [2, "404", "/elsewhere"],
    ]);
    expect(ended.map(({ status }) => status.code)).toEqual([
      SpanStatusCode.ERROR,
      SpanStatusCode.UNSET,
      SpanStatusCode.ERROR,
    ]);
    const counted = vi.mocked(upstreamAttempted).mock.calls.map(([event]) => event);
    expect(counted.map((e) => [e.attempt, e.outcome, e.status, e.path])).toEqual([
      [1, "RETRIED", undefined, "/queues/1/presence"],
      [2, "REDIRECTED", 302, "/queues/1/presence"],
      [3, "UPSTREAM_NOT_FOUND", 404, "/elsewhere"],
    ]);
    expect(JSON.stringify(counted)).not.toContain("s3cret");
    const told = ended.map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
    expect(JSON.stringify(told)).not.toContain("s3cret");
  });

  test("ends when the request is given up", async () => {
    const timeUp = new AbortController();
    await get(() => timeUp.abort(), { timeUp: timeUp.signal });
    expect(ended.map(({ attributes }) => attributes["error.type"])).toEqual(["timeout"]);
    expect(vi.mocked(upstreamAttempted).mock.calls[0]?.[0].outcome).toBe("UPSTREAM_TIMEOUT");
  });

  test("links to every sampled RPC it serves, later ones too, and to no more than 32", async () => {
    let join: (link: SpanContext) => void = () => {};
    await get(
      (response, number) => {
        join(rpc(3));
        join(rpc(1));
        if (number === 1) return reset(response);
        for (let n = 100; n < 200; n++) join(rpc(n));
        response.end("{}");
      },
      {
        links: [rpc(1), rpc(2, 0), { ...rpc(0), traceId: "0".repeat(32) }],
        onLink: (listener) => {
          join = listener;
        },
      },
    );
    const linked = ended.map(({ links }) => links.map((link) => Number.parseInt(link.context.spanId, 16)));
    expect(linked[0]).toEqual([1, 3]);
    expect(linked[1]?.slice(0, 4)).toEqual([1, 3, 100, 101]);
    expect(linked[1]).toHaveLength(32);
  });
});
