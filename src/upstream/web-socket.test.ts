import { channel } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import type { Duplex } from "node:stream";
import { NodeSDK } from "@opentelemetry/sdk-node";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { systemClock } from "../lib/clock.ts";
import { TestClock } from "../lib/test-clock.ts";
import { upstreamAttempted } from "../telemetry/events.ts";
import { createAllowList } from "./allow-list.ts";
import { createDispatcher } from "./dispatcher.ts";
import type { Socket } from "./socket.ts";
import { createWebSockets } from "./web-socket.ts";

vi.mock("../telemetry/events.ts", () => ({ upstreamAttempted: vi.fn<typeof upstreamAttempted>() }));

type Processor = NonNullable<NonNullable<ConstructorParameters<typeof NodeSDK>[0]>["spanProcessors"]>[number];
type Ended = Parameters<Processor["onEnd"]>[0];
const spans: Ended[] = [];
const collect: Processor = {
  onStart() {},
  onEnd: (span) => void spans.push(span),
  forceFlush: async () => {},
  shutdown: async () => {},
};
const sdk = new NodeSDK({
  spanProcessors: [collect],
  metricReaders: [],
  logRecordProcessors: [],
  autoDetectResources: false,
});
beforeAll(() => sdk.start());
afterAll(() => sdk.shutdown());

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  spans.length = 0;
  vi.mocked(upstreamAttempted).mockClear();
});

/** A listening server's origin for WebSockets; it and what it accepted end with the test. */
async function listening(server: Server | TcpServer): Promise<string> {
  const accepted = new Set<Duplex>();
  server.on("connection", (socket: Duplex) => {
    socket.on("error", () => {});
    accepted.add(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    for (const socket of accepted) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serve(onSocket: (socket: WebSocket, request: IncomingMessage) => void = () => {}): Promise<string> {
  const server = createServer();
  const webSockets = new WebSocketServer({ server, perMessageDeflate: true });
  webSockets.on("connection", onSocket);
  closers.push(() => webSockets.close());
  return await listening(server);
}

/** A server that refuses every upgrade with this answer. */
async function refusing(answer: string): Promise<string> {
  const server = createServer();
  server.on("upgrade", (_, socket) => socket.end(answer));
  return await listening(server);
}

function socketsFor(origin: string, clock = systemClock, times: { closeTimeoutMs?: number } = {}) {
  const dispatcher = createDispatcher({ allowList: createAllowList(origin ? [origin.replace("ws", "http")] : []) });
  const sockets = createWebSockets({ dispatcher, clock, ...times });
  closers.push(
    () => dispatcher.destroy(),
    () => sockets.close(),
  );
  return sockets;
}

/** A socket, all it told, and its next word of a kind. */
function opened(sockets: ReturnType<typeof createWebSockets>, url: string) {
  const told: [string, unknown?][] = [];
  const waiting = new Map<string, (value: unknown) => void>();
  const tell = (name: string, value?: unknown) => {
    told.push([name, value]);
    waiting.get(name)?.(value);
  };
  const socket: Socket = sockets.open(url, {
    onOpen: () => tell("open"),
    onMessage: (text) => tell("message", text),
    onSign: (kind) => tell(kind),
    onClose: (why) => tell("close", why),
  });
  const next = (name: string) => new Promise<unknown>((resolve) => void waiting.set(name, resolve));
  return { socket, told, next };
}

describe("a WebSocket", () => {
  test("opens, sends and tells of what comes, answers to pings included", async () => {
    const heard: string[] = [];
    let request: IncomingMessage | undefined;
    const origin = await serve((server, handshake) => {
      request = handshake;
      server.on("message", (data) => {
        heard.push(data instanceof Buffer ? data.toString() : "");
        server.send(Buffer.from("binary"), { binary: true });
        server.send('[{"type":"Heartbeat"}]');
      });
    });
    const { socket, told, next } = opened(socketsFor(origin), `${origin}/ws?access_token=s3cret`);
    await next("open");
    socket.send("hello");
    expect(await next("message")).toBe('[{"type":"Heartbeat"}]');
    socket.ping();
    await next("pong");
    expect(heard).toEqual(["hello"]);
    expect(request?.url).toBe("/ws?access_token=s3cret");
    expect(request?.headers["user-agent"]).toMatch(/^AgentAvailability/);
    expect(request?.headers).not.toHaveProperty("traceparent");
    expect(told.map(([name]) => name)).toEqual(["open", "message", "pong"]);
  });

  test("answers pings, tells of them, and gives the code that the server closed it with", async () => {
    const origin = await serve((server) => {
      server.ping();
      server.on("pong", () => server.close(4401, "token expired"));
    });
    const { told, next } = opened(socketsFor(origin), origin);
    expect(await next("close")).toEqual({ code: 4401 });
    expect(told.map(([name]) => name)).toEqual(["open", "ping", "close"]);
  });

  test("ends with 1006 when the connection is cut", async () => {
    const origin = await serve((server) => server.terminate());
    expect(await opened(socketsFor(origin), origin).next("close")).toEqual({ code: 1006 });
  });

  test("ends when a message is larger than anything RingCentral sends, compressed or not", async () => {
    const origin = await serve((server) => server.send(" ".repeat(1024 * 1024 + 1)));
    const { told, next } = opened(socketsFor(origin), origin);
    expect(await next("close")).toEqual({ code: 1006 });
    expect(told.map(([name]) => name)).toEqual(["open", "close"]);
  });

  test("tells each socket of its own signs alone, and the process of none when all are closed", async () => {
    const before = channel("undici:websocket:ping").hasSubscribers;
    const origin = await serve((server, { url }) => url === "/pinged" && server.ping());
    const sockets = socketsFor(origin);
    const [silent, pinged] = [opened(sockets, `${origin}/silent`), opened(sockets, `${origin}/pinged`)];
    await Promise.all([silent.next("open"), pinged.next("ping")]);
    expect(silent.told).toEqual([["open", undefined]]);
    sockets.close();
    expect(before).toBe(false);
    expect(channel("undici:websocket:ping").hasSubscribers).toBe(false);
    expect(channel("undici:websocket:pong").hasSubscribers).toBe(false);
  });
});

describe("a handshake fails", () => {
  test.each([
    ["HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", { status: 401 }],
    ["HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n", { status: 302 }],
    ["HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n", { status: 503 }],
    ["SMTP 220 hello\r\n\r\n", { error: expect.objectContaining({ kind: "malformed" }) }],
    [
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n",
      { error: expect.objectContaining({ kind: "malformed" }) },
    ],
    ["", { error: expect.objectContaining({ kind: "reset" }) }],
  ])("and says why when the server answers %j", async (answer, why) => {
    const origin = await refusing(answer);
    const { told, next } = opened(socketsFor(origin), origin);
    expect(await next("close")).toEqual({ code: 1006, ...why });
    expect(told).toHaveLength(1);
  });

  test("as refused when nobody listens", async () => {
    const origin = await serve();
    await closers.pop()?.();
    const why = { code: 1006, error: expect.objectContaining({ kind: "refused" }) };
    expect(await opened(socketsFor(origin), origin).next("close")).toEqual(why);
  });

  test.each(["wss://ws-api.ringcentral.com.evil.example/ws", "http://127.0.0.1/", "no address", "file:///etc/passwd"])(
    "and connects to nobody when the address is %s",
    async (url) => {
      const { told, next } = opened(socketsFor(""), url);
      expect(told).toEqual([]);
      expect(await next("close")).toEqual({
        code: 1006,
        error: expect.objectContaining({ kind: "not_allowed", state: expect.not.stringContaining("access_token") }),
      });
    },
  );

  test("when the server never answers", async () => {
    const arrived = Promise.withResolvers<void>();
    const origin = await listening(createTcpServer((socket) => socket.once("data", () => arrived.resolve())));
    const clock = new TestClock();
    const { next } = opened(socketsFor(origin, clock), origin);
    const closed = next("close");
    await arrived.promise;
    await clock.advance(10_000);
    expect(await closed).toEqual({ code: 1006, error: expect.objectContaining({ kind: "connect_timeout" }) });
    expect(clock.pending).toBe(0);
    expect(vi.mocked(upstreamAttempted).mock.calls[0]?.[0].outcome).toBe("UPSTREAM_TIMEOUT");
  });
});

describe("close()", () => {
  test("ends a socket cleanly when the server plays along", async () => {
    const code = Promise.withResolvers<number>();
    const origin = await serve((server) => server.on("close", code.resolve));
    const { socket, told, next } = opened(socketsFor(origin), origin);
    await next("open");
    const closed = next("close");
    socket.close();
    socket.send("too late");
    socket.close();
    expect(await closed).toEqual({ code: 1000 });
    expect(await code.promise).toBe(1000);
    socket.close();
    expect(told).toHaveLength(2);
  });

  test("cuts a socket when the server does not answer the close frame", async () => {
    const origin = await serve((server) => server.pause());
    const clock = new TestClock();
    const { socket, next } = opened(socketsFor(origin, clock), origin);
    await next("open");
    const closed = next("close");
    socket.close();
    await clock.advance(2_000);
    expect(await closed).toEqual({ code: 1006 });
    expect(clock.pending).toBe(0);
  });

  test("gives up a handshake, and tells it after it has returned", async () => {
    const origin = await listening(createTcpServer(() => {}));
    const { socket, told, next } = opened(socketsFor(origin), origin);
    const closed = next("close");
    socket.close();
    expect(told).toEqual([]);
    expect(await closed).toEqual({ code: 1006 });
    expect(vi.mocked(upstreamAttempted).mock.calls[0]?.[0].outcome).toBe("ABANDONED");
  });

  test("of all cuts what is open or opening, and what is opened later", async () => {
    const gone = Promise.withResolvers<void>();
    const origin = await serve((server) => server.on("close", () => gone.resolve()));
    const hanging = await listening(createTcpServer(() => {}));
    const allowList = createAllowList([origin.replace("ws", "http"), hanging.replace("ws", "http")]);
    const dispatcher = createDispatcher({ allowList });
    closers.push(() => dispatcher.destroy());
    const sockets = createWebSockets({ dispatcher, clock: systemClock });
    const [first, second] = [opened(sockets, origin), opened(sockets, hanging)];
    await first.next("open");
    const both = [first.next("close"), second.next("close")];
    sockets.close();
    expect(await Promise.all(both)).toEqual([{ code: 1006 }, { code: 1006 }]);
    await gone.promise;
    expect(await opened(sockets, origin).next("close")).toEqual({ code: 1006 });
  });
});

describe("the span of a handshake", () => {
  test("tells where, and never with which token", async () => {
    const origin = await serve();
    await opened(socketsFor(origin), `${origin}/ws?access_token=s3cret&wsc=s3cret2`).next("open");
    expect(spans.map(({ name, attributes }) => ({ name, ...attributes }))).toEqual([
      {
        name: "GET",
        "http.request.method": "GET",
        "http.response.status_code": 101,
        "url.scheme": "ws",
        "url.path": "/ws",
        "server.address": "127.0.0.1",
        "server.port": Number(new URL(origin).port),
      },
    ]);
    const counted = vi.mocked(upstreamAttempted).mock.calls;
    expect(counted).toMatchObject([[{ outcome: "OK", status: 101, path: "/ws", attempt: 1 }]]);
    expect(JSON.stringify(counted)).not.toContain("s3cret");
  });

  test("tells what it failed for", async () => {
    const origin = await refusing("HTTP/1.1 401 Unauthorized\r\nRCRequestId: r-1\r\nContent-Length: 0\r\n\r\n");
    await opened(socketsFor(origin), `${origin}/ws`).next("close");
    expect(spans).toHaveLength(1);
    expect(spans[0]?.attributes).toMatchObject({ "error.type": "401", "ringcentral.request_id": "r-1" });
    expect(vi.mocked(upstreamAttempted).mock.calls).toMatchObject([[{ outcome: "UPSTREAM_UNAUTHENTICATED" }]]);
  });
});
