import { once } from "node:events";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../lib/clock.ts";
import { createAllowList } from "./allow-list.ts";
import { createDispatcher } from "./dispatcher.ts";
import {
  createHttpClient,
  type HttpClient,
  type HttpRequest,
  type HttpResult,
  type SendOptions,
} from "./http-client.ts";
import { reset, startServer, type TestServer } from "./test-server.ts";

type Answer = Parameters<typeof startServer>[0];

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

async function serve(answer: Answer): Promise<TestServer> {
  const server = await startServer(answer);
  open.push(server);
  return server;
}

function clientFor(origins: readonly string[], clock: Clock = systemClock): HttpClient {
  const dispatcher = createDispatcher({ allowList: createAllowList(origins) });
  const client = createHttpClient({ dispatcher, clock, random: () => 0 });
  open.unshift({
    async close() {
      client.close();
      await dispatcher.destroy();
    },
  });
  return client;
}

function get(client: HttpClient, url: string, options: Partial<SendOptions> = {}): Promise<HttpResult> {
  const headers = [
    ["Accept", "application/json"],
    ["Authorization", "Bearer t0ken"],
  ] as const;
  const judge = () => "OK" as const;
  return client.send(
    { method: "GET", url, headers, secrets: [], route: "/presence", judge },
    { timeUp: new AbortController().signal, ...options },
  );
}

/** One server, one client that may call it, one GET. */
async function ask(answer: Answer, options: Partial<SendOptions> = {}) {
  const server = await serve(answer);
  const result = await get(clientFor([server.origin]), `${server.origin}/presence`, options);
  return { result, server };
}

describe("send()", () => {
  test("gives the whole answer and when it was asked for when all is well", async () => {
    const sent: number[] = [];
    let arrivedAt = 0;
    const before = systemClock.now();
    const { result, server } = await ask(
      (response) => {
        arrivedAt = systemClock.now();
        response.setHeader("X-Rate-Limit-Group", "light").setHeader("Set-Cookie", ["a=1", "b=2"]);
        response.write(Buffer.from('{"name":"Zo\u00eb"}').subarray(0, 11));
        setImmediate(() => response.end(Buffer.from('{"name":"Zo\u00eb"}').subarray(11)));
      },
      { onSent: (sentAt) => sent.push(sentAt) },
    );
    expect(result).toMatchObject({ kind: "response", status: 200, bodyText: '{"name":"Zo\u00eb"}', attempts: 1 });
    if (result.kind !== "response") throw new Error(result.kind);
    expect(result.headers).toMatchObject({ "x-rate-limit-group": "light", "set-cookie": "a=1, b=2" });
    expect(sent).toEqual([result.sentAt]);
    expect(result.sentAt).toBeGreaterThanOrEqual(before);
    expect(result.sentAt).toBeLessThanOrEqual(arrivedAt);
    expect(Object.values(result.timings).every((ms) => ms >= 0)).toBe(true);
    const { headers } = server.requests[0]!;
    expect(headers).toMatchObject({ authorization: "Bearer t0ken", accept: "application/json" });
    expect(headers["user-agent"]).toMatch(/^AgentAvailability\/\d/);
    expect(headers).not.toHaveProperty("traceparent");
  });

  test("says when the request was sent, not when it was asked for, when it had to wait", async () => {
    const { client, server, held, running } = await crowded();
    const waiting = get(client, `${server.origin}/waiting`);
    await new Promise((resolve) => setImmediate(resolve));
    const freedAt = systemClock.now();
    for (const answer of held.splice(0)) answer();
    await Promise.all(running);
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    held[0]?.();
    const result = await waiting;
    expect(result.kind === "response" && result.sentAt).toBeGreaterThanOrEqual(freedAt);
  });

  test("keeps connections, and few of them, when many ask", async () => {
    const server = await serve((response) => setImmediate(() => response.end("{}")));
    const client = clientFor([server.origin]);
    await Promise.all(Array.from({ length: 200 }, () => get(client, server.origin)));
    expect(server.requests).toHaveLength(200);
    expect(server.connections()).toBeLessThanOrEqual(64);
  });

  test("reads what is compressed, and refuses what it cannot or what grows too large", async () => {
    const encoded = (encoding: string, bytes: Buffer) =>
      ask((response) => response.setHeader("Content-Encoding", encoding).end(bytes)).then(({ result }) => result);
    const large = gzipSync(Buffer.alloc(4 * 1024 * 1024 + 1));
    expect(await encoded("gzip", gzipSync('{"records":[]}'))).toMatchObject({ bodyText: '{"records":[]}' });
    expect(await encoded("gzip", Buffer.from("no gzip"))).toMatchObject({
      error: { kind: "bad_encoding" },
      attempts: 1,
    });
    expect(await encoded("gzip", gzipSync("cut").subarray(0, 12))).toMatchObject({ error: { kind: "bad_encoding" } });
    expect(await encoded("br", Buffer.from("x"))).toMatchObject({ error: { kind: "bad_encoding" } });
    expect(await encoded("gzip", large)).toMatchObject({ error: { kind: "too_large" } });
  });

  test("passes over informational answers when one comes first", async () => {
    const { result } = await ask((response) => {
      response.writeProcessing();
      response.end("{}");
    });
    expect(result).toMatchObject({ status: 200, bodyText: "{}" });
  });

  test("never connects when the server is not on the allow-list", async () => {
    const server = await serve((response) => response.end("{}"));
    const result = await get(clientFor([]), server.origin);
    expect(result).toMatchObject({ kind: "failed", error: { kind: "not_allowed" }, attempts: 1 });
    expect(server.connections()).toBe(0);
  });
});

describe("send() tries once more", () => {
  test("when the connection is reset before an answer, and says when the second was sent", async () => {
    const sent: number[] = [];
    const { result, server } = await ask((response, number) => (number === 1 ? reset(response) : response.end("{}")), {
      onSent: (sentAt) => sent.push(sentAt),
    });
    expect(result).toMatchObject({ kind: "response", status: 200, attempts: 2, sentAt: sent[1] });
    expect(sent[1]).toBeGreaterThan(sent[0]!);
    expect(server.requests).toHaveLength(2);
  });

  test.each([502, 503, 504])("when %d comes without Retry-After", async (status) => {
    const { result } = await ask((response, number) => response.writeHead(number === 1 ? status : 200).end("{}"));
    expect(result).toMatchObject({ status: 200, attempts: 2 });
  });

  test("and no more when that fails as well", async () => {
    const resets = await ask((response) => reset(response));
    expect(resets.result).toMatchObject({ kind: "failed", error: { kind: "reset" }, attempts: 2 });
    const unavailable = await ask((response) => response.writeHead(503).end("{}"));
    expect(unavailable.result).toMatchObject({ kind: "response", status: 503, attempts: 2 });
    expect(unavailable.server.requests).toHaveLength(2);
  });

  test("when the connection is refused", async () => {
    const server = await serve(() => {});
    await server.close();
    const result = await get(clientFor([server.origin]), server.origin);
    expect(result).toMatchObject({ kind: "failed", error: { kind: "refused" }, attempts: 2 });
  });

  test.each([400, 401, 403, 404, 408, 429, 500])("but not when %d comes", async (status) => {
    const { result, server } = await ask((response) => response.writeHead(status).end("{}"));
    expect(result).toMatchObject({ status, attempts: 1 });
    expect(server.requests).toHaveLength(1);
  });

  test("but not when RingCentral says when to come back", async () => {
    const { result } = await ask((response) => response.writeHead(503, { "Retry-After": "1" }).end("{}"));
    expect(result).toMatchObject({ status: 503, attempts: 1, headers: { "retry-after": "1" } });
  });

  test("but not when whoever asked says that there is no room for it, which is asked only where it could help", async () => {
    const mayRetry = vi.fn(() => false);
    expect((await ask((response) => reset(response), { mayRetry })).result).toMatchObject({
      kind: "failed",
      attempts: 1,
    });
    expect(mayRetry).toHaveBeenCalledTimes(1);
    await ask((response) => response.end("{}"), { mayRetry });
    expect(mayRetry).toHaveBeenCalledTimes(1);
  });

  test("but not when the time is nearly up, as it stands then", async () => {
    let left = 50;
    const deadline = () => systemClock.now() + left;
    const answer: Answer = (response, number) => (number === 1 ? reset(response) : response.end("{}"));
    expect((await ask(answer, { deadline })).result).toMatchObject({ kind: "failed", attempts: 1 });
    left = 5_000;
    expect((await ask(answer, { deadline })).result).toMatchObject({ kind: "response", attempts: 2 });
  });

  test("and says what it knows when the time runs out in the pause", async () => {
    const timeUp = new AbortController();
    // The pause never ends by itself.
    const clock: Clock = { now: () => systemClock.now(), after: neverBut(() => timeUp.abort()) };
    const server = await serve((response) => response.writeHead(503).end("{}"));
    const result = await get(clientFor([server.origin], clock), server.origin, { timeUp: timeUp.signal });
    expect(result).toMatchObject({ kind: "response", status: 503, attempts: 1 });
  });
});

describe("send() gives up", () => {
  test.each<[string, Answer]>([
    ["nothing is answered", () => {}],
    ["the body never ends", (response) => response.writeHead(200).write("{")],
  ])("when the time is up and %s", async (_, answer) => {
    const timeUp = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { result } = await ask(
      (response, number, request) => {
        request.on("close", () => closed.resolve());
        answer(response, number, request);
        setImmediate(() => timeUp.abort());
      },
      { timeUp: timeUp.signal },
    );
    expect(result).toEqual({ kind: "timeout", attempts: 1 });
    await closed.promise;
  });

  test("when the caller stops it", async () => {
    const stop = new AbortController();
    const { result } = await ask(() => stop.abort(), { stop: stop.signal });
    expect(result).toEqual({ kind: "stopped", attempts: 1 });
  });

  test("before anything is sent when the time is up already", async () => {
    const { result, server } = await ask((response) => response.end("{}"), { timeUp: AbortSignal.abort() });
    expect(result).toEqual({ kind: "timeout", attempts: 1 });
    expect(server.connections()).toBe(0);
  });

  test("and never sends what still waits for a connection", async () => {
    const { client, server, held, running } = await crowded();
    const timeUp = new AbortController();
    let sent = 0;
    const waiting = get(client, `${server.origin}/waiting`, { timeUp: timeUp.signal, onSent: () => sent++ });
    timeUp.abort();
    expect(await waiting).toEqual({ kind: "timeout", attempts: 1 });
    for (const answer of held) answer();
    await Promise.all(running);
    const last = get(client, `${server.origin}/last`);
    while (held.length < 9) await new Promise((resolve) => setImmediate(resolve));
    held[8]!();
    await last;
    expect(sent).toBe(0);
    expect(server.requests.map((request) => request.url)).not.toContain("/waiting");
  });
});

describe("send() fails", () => {
  test.each<[string, Answer]>([
    ["cut_off", (response) => response.writeHead(200, { "Content-Length": "100" }).write("{", () => reset(response))],
    ["cut_off", (response) => response.writeHead(200).write("{", () => response.socket?.end())],
    [
      "too_large",
      (response) =>
        response.writeHead(200, { "Content-Length": `${5 * 1024 * 1024}` }).end(Buffer.alloc(5 * 1024 * 1024)),
    ],
    ["too_large", (response) => endless(response)],
    ["malformed", (response) => response.socket?.end("SMTP 220 hello\r\n\r\n")],
  ])("as %s, at the first attempt", async (kind, answer) => {
    const { result, server } = await ask(answer);
    expect(result).toMatchObject({ kind: "failed", error: { kind }, attempts: 1 });
    expect(server.requests).toHaveLength(1);
  });

  test("as dns when the name cannot be resolved", async () => {
    const result = await get(clientFor(["http://server.invalid"]), "http://server.invalid");
    expect(result).toMatchObject({ kind: "failed", error: { kind: "dns" }, attempts: 1 });
  });

  test("as tls when the server does not speak it", async () => {
    const server = await serve(() => {});
    const origin = server.origin.replace("http:", "https:");
    expect(await get(clientFor([origin]), origin)).toMatchObject({
      kind: "failed",
      error: { kind: "tls" },
      attempts: 1,
    });
  });
});

describe("send() follows redirects", () => {
  const to = (location: string | undefined, status = 302): Answer => {
    return (response) => response.writeHead(status, location === undefined ? {} : { Location: location }).end();
  };

  test.each([301, 302, 303, 307, 308])("when %d leads to the same server", async (status) => {
    const { result, server } = await ask((response, number, request) =>
      number === 1 ? to("/there?x=1", status)(response, number, request) : response.end("{}"),
    );
    expect(result).toMatchObject({ kind: "response", status: 200, attempts: 2 });
    expect(server.requests.map(({ url }) => url)).toEqual(["/presence", "/there?x=1"]);
    expect(server.requests[1]?.headers.authorization).toBe("Bearer t0ken");
  });

  test("without the token when they lead elsewhere, even when they lead back", async () => {
    const away: TestServer = await serve((response) =>
      response.writeHead(302, { Location: `${home.origin}/back` }).end(),
    );
    const home = await serve((response, number) =>
      number === 1 ? response.writeHead(302, { Location: away.origin }).end() : response.end("{}"),
    );
    const result = await get(clientFor([home.origin, away.origin]), home.origin);
    expect(result).toMatchObject({ kind: "response", status: 200, attempts: 3 });
    expect(away.requests[0]?.headers).not.toHaveProperty("authorization");
    expect(home.requests[1]?.headers).not.toHaveProperty("authorization");
  });

  test("but never connects to a server that is not allowed", async () => {
    const away = await serve((response) => response.end("{}"));
    const { result } = await ask(to(`${away.origin}/presence`));
    expect(result).toMatchObject({ kind: "failed", error: { kind: "not_allowed" }, attempts: 2 });
    expect(JSON.stringify(result)).toContain(away.origin);
    expect(away.connections()).toBe(0);
  });

  test("but only three of them", async () => {
    const { result, server } = await ask(to("/round"));
    expect(result).toMatchObject({ kind: "failed", error: { kind: "redirect_loop" }, attempts: 4 });
    expect(server.requests).toHaveLength(4);
  });

  test("by asking the same address once more when they name none", async () => {
    const helped = await ask((response, number, request) =>
      number === 1 ? to(undefined)(response, number, request) : response.end("{}"),
    );
    expect(helped.result).toMatchObject({ status: 200, attempts: 2 });
    expect(helped.server.requests.map(({ url }) => url)).toEqual(["/presence", "/presence"]);
    const never = await ask(to(undefined));
    expect(never.result).toMatchObject({ kind: "failed", error: { kind: "bad_redirect" }, attempts: 2 });
  });

  test.each(["file:///etc/passwd", "http://[", "data:application/json,{}"])("but not to %s", async (location) => {
    const { result } = await ask(to(location));
    expect(result).toMatchObject({ kind: "failed", error: { kind: "bad_redirect" }, attempts: 1 });
  });
});

describe("send() of a POST", () => {
  const secret = "s3cret/+";
  const basic = Buffer.from(`app:${secret}`).toString("base64");
  const post = async (answer: Answer, more: Partial<HttpRequest> = {}, options: Partial<SendOptions> = {}) => {
    const server = await serve(answer);
    const body = { type: "application/x-www-form-urlencoded", text: new URLSearchParams({ secret }).toString() };
    const headers = [["Authorization", `Basic ${basic}`]] as const;
    const secrets = [secret, basic];
    const url = `${server.origin}/token`;
    const result = await clientFor([server.origin]).send(
      { method: "POST", url, headers, body, secrets, route: "/token", judge: () => "OK", ...more },
      { timeUp: new AbortController().signal, ...options },
    );
    return { result, server };
  };

  test("sends the body and its type", async () => {
    let got = "";
    const { result, server } = await post((response, _, request) => {
      void text(request).then((body) => {
        got = body;
        response.end("{}");
      });
    });
    expect(result).toMatchObject({ kind: "response", status: 200, bodyText: "{}", attempts: 1 });
    expect(got).toBe("secret=s3cret%2F%2B");
    const { method, headers } = server.requests[0]!;
    expect(method).toBe("POST");
    expect(headers).toMatchObject({
      "content-type": "application/x-www-form-urlencoded",
      "content-length": `${got.length}`,
      authorization: `Basic ${basic}`,
    });
    expect(headers["user-agent"]).toMatch(/^AgentAvailability/);
  });

  test.each<[string, Answer]>([
    ["the connection is reset", (response) => reset(response)],
    ["503 comes", (response) => response.writeHead(503).end("{}")],
  ])("tries no second time when %s", async (_, answer) => {
    const { result, server } = await post(answer);
    expect(result.attempts).toBe(1);
    expect(server.requests).toHaveLength(1);
  });

  test.each([301, 302, 303, 307, 308])("goes nowhere else when %d comes", async (status) => {
    const { result, server } = await post((response) => response.writeHead(status, { Location: "/there" }).end());
    expect(result).toEqual({
      kind: "failed",
      error: expect.objectContaining({ kind: "bad_redirect" }),
      attempts: 1,
    });
    expect(server.requests).toHaveLength(1);
  });

  test("gives back none of its secrets, however the server spells them", async () => {
    const { result } = await post((response, _, request) => {
      const { authorization } = request.headers;
      const spelt = [secret, encodeURIComponent(secret), String.raw`s3cret\/+`, authorization];
      response.writeHead(400, { "X-Echo": authorization! }).end(`{"said":"${spelt.join(" ")}"}`);
    });
    expect(result).toMatchObject({
      headers: { "x-echo": "Basic [token]" },
      bodyText: '{"said":"[token] [token] [token] Basic [token]"}',
    });
  });

  test("gives an answer that is a secret where nothing prints it, and keeps it out of what is told", async () => {
    const calls: unknown[] = [];
    const { result } = await post(
      (response) => response.end(`{"access_token":"new","refresh_token":"${secret}"}`),
      { secretAnswer: true },
      { onAttempt: (call) => calls.push(call) },
    );
    if (result.kind !== "response") throw new Error(result.kind);
    expect(result.bodyText).toBe("");
    expect(result.secretBody?.reveal()).toBe(`{"access_token":"new","refresh_token":"${secret}"}`);
    expect(inspect([result, calls], { depth: 9 }) + JSON.stringify([result, calls])).not.toContain("access_token");
    expect(calls).toMatchObject([{ method: "POST", path: "/token", status: 200 }]);
  });
});

/** A client whose connections are all taken by requests that wait for an answer. */
async function crowded() {
  const held: (() => void)[] = [];
  const full = Promise.withResolvers<void>();
  const server = await serve((response) => {
    held.push(() => response.end("{}"));
    if (held.length === 8) full.resolve();
  });
  const client = clientFor([server.origin]);
  const running = Array.from({ length: 8 }, () => get(client, server.origin));
  await full.promise;
  return { client, server, held, running };
}

describe("close()", () => {
  test("ends what is under way, and what is sent later", async () => {
    const arrived = Promise.withResolvers<void>();
    const server = await serve(() => arrived.resolve());
    const client = clientFor([server.origin]);
    const pending = get(client, server.origin);
    await arrived.promise;
    client.close();
    expect(await pending).toEqual({ kind: "stopped", attempts: 1 });
    expect(await get(client, server.origin)).toEqual({ kind: "stopped", attempts: 1 });
    while ((await server.open()) > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(server.connections()).toBe(1);
  });
});

/** A timer that does not fire; `instead` happens. */
function neverBut(instead: () => void): Clock["after"] {
  return () => {
    setImmediate(instead);
    return () => {};
  };
}

function endless(response: Parameters<Answer>[0]): void {
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(65_536, " ")));
    if (!response.destroyed) void once(response, "drain").then(more, () => {});
  };
  response.writeHead(200);
  response.on("error", () => {});
  more();
}
