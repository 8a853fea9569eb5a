import { EventEmitter, once } from "node:events";
import { request } from "node:http";
import { connect as connectH2, type ServerHttp2Session } from "node:http2";
import { connect, createServer, type Socket } from "node:net";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TestClock } from "../lib/test-clock.ts";
import { keepAlive } from "./http-keepalive.ts";
import { sniff } from "./http-sniff.ts";
import { PING_EVERY_MS, PONG_WITHIN_MS } from "./listener.ts";
import { clientOf, failureOf, startBoth } from "./test-listeners.ts";

const seen = new EventEmitter();
const RPC = "/availability.v1.AvailabilityService";
let both: Awaited<ReturnType<typeof startBoth>>;

beforeAll(async () => {
  both = await startBoth({
    check: ({ destinationId }, { timeoutMs }) => ({ availability: { destinationId, message: String(timeoutMs()) } }),
    // Looks at nothing: it must be left all the same.
    async *watch() {
      const big = "x".repeat(100_000);
      let sent = 0;
      try {
        for (;;) yield { resumeToken: `${++sent}${big}` };
      } finally {
        seen.emit("left", sent);
      }
    },
  });
});

afterAll(() => both.stop());

test.each([
  ["GET", "/healthz", 200, { status: "ok" }],
  ["GET", "/readyz?verbose", 200, { status: "serving" }],
  ["GET", "/", 404, { error: expect.any(String) }],
  ["GET", "/toString", 404, { error: expect.any(String) }],
  ["POST", `${RPC}/Nothing`, 404, { error: expect.any(String) }],
  ["POST", "/readyz", 405, { error: expect.any(String) }],
])("listenHttp() answers %s %s with %i in JSON", async (method, path, status, body) => {
  const res = await fetch(both.url + path, { method });
  expect(res.status).toBe(status);
  expect(res.headers.get("content-type")).toBe("application/json");
  expect(res.headers.get("cache-control")).toBe("no-store");
  expect(await res.json()).toEqual(body);
});

test("listenHttp() gives /metrics to the metrics handler", async () => {
  expect(await (await fetch(`${both.url}/metrics`)).text()).toBe("metrics here\n");
});

test("listenHttp() answers a Connect GET with no-store", async () => {
  const message = encodeURIComponent(JSON.stringify({ destinationId: "q" }));
  const res = await fetch(`${both.url}${RPC}/Check?connect=v1&encoding=json&message=${message}`);
  expect(res.headers.get("cache-control")).toBe("no-store");
  expect(await res.json()).toMatchObject({ availability: { destinationId: "q" } });
});

test.each(["gRPC on the HTTP port", "Connect over HTTP/1.1", "gRPC-Web over h2c"])(
  "listenHttp() says RESOURCE_EXHAUSTED when a request is over 1 MiB, %s",
  async (name) => {
    const tags = { big: "x".repeat(1 << 20) };
    const error = await failureOf(clientOf(both.transports[name]!()).check({ destinationId: "q", tags }));
    expect(error.code).toBe(Code.ResourceExhausted);
  },
);

test.each(["9999999999", "2147483648"])("listenHttp() takes a deadline of %s ms for a long one", async (timeout) => {
  const res = await fetch(`${both.url}${RPC}/Check`, {
    method: "POST",
    headers: { "content-type": "application/json", "connect-timeout-ms": timeout },
    body: '{"destinationId":"q"}',
  });
  const { availability } = (await res.json()) as { availability: { message: string } };
  expect(Number(availability.message)).toBeGreaterThan(2 ** 30);
  expect(Number(availability.message)).toBeLessThan(2 ** 31);
});

test.each([
  ["a body", "POST", "", { "content-type": "application/proto" }, Buffer.from([0x0a, 0xff])],
  ["a query", "GET", "?connect=v1&encoding=proto&base64=1&message=*", {}, undefined],
])("listenHttp() answers 400 invalid_argument when it cannot decode %s", async (_, method, query, headers, body) => {
  const res = await fetch(`${both.url}${RPC}/Check${query}`, { method, headers, ...(body && { body }) });
  expect(res.status).toBe(400);
  expect(await res.json()).toMatchObject({ code: "invalid_argument" });
});

test("listenHttp() answers 400 when a call names no authority", async () => {
  const socket = connect(both.http.port, "127.0.0.1");
  socket.end(`POST ${RPC}/Check HTTP/1.0\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`);
  expect(await textOf(socket)).toMatch(/^HTTP\/1\.1 400 /);
});

describe("a Watch that nobody reads", () => {
  const console = vi.spyOn(globalThis.console, "error");
  const body = Buffer.from([0, 0, 0, 0, 2, 0x7b, 0x7d]);
  const headers = { "content-type": "application/connect+json" };

  test("stops, and ends when its HTTP/1.1 client goes, in silence", async () => {
    const left = once(seen, "left");
    const call = request(`${both.url}${RPC}/Watch`, { method: "POST", headers });
    call.on("error", () => {});
    call.end(body);
    const [res] = await once(call, "response");
    res.pause();
    await new Promise((resolve) => setImmediate(resolve));
    call.destroy();
    expect((await left)[0]).toBeLessThan(200);
    expect(console).not.toHaveBeenCalled();
  });

  test("stops, and ends when its HTTP/2 client goes, in silence", async () => {
    const left = once(seen, "left");
    const session = connectH2(both.url);
    session.on("error", () => {});
    const stream = session.request({ ":method": "POST", ":path": `${RPC}/Watch`, ...headers });
    stream.on("error", () => {});
    stream.end(body);
    await once(stream, "response");
    session.destroy();
    expect((await left)[0]).toBeLessThan(40);
    expect(console).not.toHaveBeenCalled();
  });
});

test("sniff() puts the bytes back when they come one by one, for both protocols", async () => {
  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (const [text, expected] of [
    [`${preface}rest`, "h2"],
    ["GET / HTTP/1.1\r\n", "h1"],
    ["PRI * HTTP/1.1\r\n", "h1"],
  ] as const) {
    const { client, server, close } = await pair();
    const taken = new Promise<[string, Socket]>((resolve) => {
      const take = (kind: string) => (socket: Socket) => resolve([kind, socket]);
      sniff(server, { clock: new TestClock(), withinMs: 10, h1: take("h1"), h2: take("h2") });
    });
    client.setNoDelay(true);
    for (const byte of text) {
      client.write(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const [kind, socket] = await taken;
    client.end();
    expect([kind, await textOf(socket)]).toEqual([expected, text]);
    close();
  }
});

test("sniff() closes a socket that says nothing in time, and leaves no timer for one that speaks", async () => {
  const clock = new TestClock();
  const { client, server, close } = await pair();
  const h1 = vi.fn();
  const closed = once(client.resume(), "close");
  sniff(server, { clock, withinMs: 10_000, h1, h2: h1 });
  await clock.advance(9_999);
  expect(server.destroyed).toBe(false);
  await clock.advance(1);
  expect(server.destroyed).toBe(true);
  await closed;
  expect(h1).not.toHaveBeenCalled();
  expect(clock.pending).toBe(0);
  close();
});

test("keepAlive() ends a session that does not answer, and only such a one", async () => {
  const clock = new TestClock();
  const pongs: ((error: null) => void)[] = [];
  const session = Object.assign(new EventEmitter(), {
    destroyed: false,
    ping: (pong: (error: null) => void) => pongs.push(pong),
    destroy() {
      session.destroyed = true;
      session.emit("close");
    },
  });
  keepAlive(session as unknown as ServerHttp2Session, clock);
  await clock.advance(PING_EVERY_MS);
  await clock.advance(PONG_WITHIN_MS - 1);
  pongs.shift()!(null);
  await clock.advance(PING_EVERY_MS);
  expect(pongs).toHaveLength(1);
  expect(session.destroyed).toBe(false);
  await clock.advance(PONG_WITHIN_MS);
  expect(session.destroyed).toBe(true);
  expect(clock.pending).toBe(0);
});

test("keepAlive() lets a session be that is destroyed and not closed yet", async () => {
  const clock = new TestClock();
  const ping = vi.fn(() => {
    throw new Error("The session has been destroyed");
  });
  keepAlive(Object.assign(new EventEmitter(), { destroyed: true, ping }) as unknown as ServerHttp2Session, clock);
  await clock.advance(PING_EVERY_MS);
  expect(ping).not.toHaveBeenCalled();
  expect(clock.pending).toBe(0);
});

test("listenHttp() closes the stream of a client that sends on after the whole answer, trailers first", async () => {
  const session = connectH2(both.url);
  const headers = { "content-type": "application/grpc", te: "trailers" };
  const stream = session.request({ ":method": "POST", ":path": `${RPC}/Check`, ...headers });
  stream.resume();
  let status: unknown;
  stream.on("trailers", (trailers) => (status = trailers["grpc-status"]));
  // More than the server reads before it refuses, so that the client is still sending when it does.
  const body = Buffer.alloc(4 << 20);
  body.writeUInt32BE(body.length - 5, 1);
  stream.end(body);
  await once(stream, "close");
  expect([status, stream.rstCode]).toEqual(["8", 0]);
  session.destroy();
});

async function pair(): Promise<{ client: Socket; server: Socket; close(): void }> {
  const listening = createServer();
  await once(listening.listen(0, "127.0.0.1"), "listening");
  const client = connect((listening.address() as { port: number }).port, "127.0.0.1");
  const [server] = (await once(listening, "connection")) as [Socket];
  const close = () => {
    for (const end of [client, server]) end.destroy();
    listening.close();
  };
  return { client, server, close };
}

async function textOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
