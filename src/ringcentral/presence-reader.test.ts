import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../lib/clock.ts";
import { Secret } from "../lib/secret.ts";
import { createAllowList } from "../upstream/allow-list.ts";
import { BackOffs } from "../upstream/backoff.ts";
import { createDispatcher } from "../upstream/dispatcher.ts";
import { createHttpClient } from "../upstream/http-client.ts";
import { reset, startServer } from "../upstream/test-server.ts";
import { Budgets } from "./calls/budgets.ts";
import { Turn } from "./calls/turn.ts";
import { Connection } from "./connection.ts";
import { connectionSource } from "./connection-source.ts";
import type { ReadOptions } from "./presence-reader.ts";
import { questionOf } from "./question.ts";
import { createPastedToken } from "./tokens/pasted-token.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

/** Reads once, over a connection of its own, from a server that answers so. */
async function read(answer: Parameters<typeof startServer>[0], options: Partial<ReadOptions> = {}, allowed = true) {
  const server = await startServer(answer);
  const allowList = createAllowList(allowed ? [server.origin] : []);
  const dispatcher = createDispatcher({ allowList });
  const http = createHttpClient({ dispatcher, clock: systemClock, random: () => 0 });
  open.push(server, { close: () => dispatcher.destroy() }, { close: async () => http.close() });
  const queue = { origin: server.origin, accountId: "~", queueId: "400123", onlyExtensions: [] };
  const access = { kind: "bearer_token", token: new Secret("t0ken") } as const;
  const source = connectionSource(new Uint8Array(32), server.origin, access);
  const connection = new Connection(
    source,
    { tokens: createPastedToken(access.token), clientId: undefined },
    { http, clock: systemClock, backOffs: new BackOffs(), budgets: new Budgets(systemClock) },
  );
  const result = await connection.presence.read(questionOf(queue, "QUEUE", source), {
    timeUp: new AbortController().signal,
    deadline: () => Number.POSITIVE_INFINITY,
    turn: new Turn("check"),
    notBefore: () => 0,
    ...options,
  });
  return { server, result, connection, light: connection.budget("light").state };
}

/** The body that RingCentral documents, laid out as its platform does. */
const documented = `{
  "records" : [ {
    "member" : {
      "id" : "979428000",
      "name" : "James Smith",
      "extensionNumber" : "12104"
    },
    "acceptQueueCalls" : true,
    "acceptCurrentQueueCalls" : true
  } ]
}`;
const limit = {
  "X-Rate-Limit-Group": "light",
  "X-Rate-Limit-Limit": "50",
  "X-Rate-Limit-Remaining": "49",
  "X-Rate-Limit-Window": "60",
};
const light = { limit: 50, left: 49 };
const failed = (reason: string, scope: string, said: string) => ({
  ok: false,
  failure: { reason, scope, message: expect.stringContaining(said) },
});

describe("read()", () => {
  test("gives the document, when it was asked for and what is left of the limit", async () => {
    const sent: number[] = [];
    const { result, server, ...counted } = await read((response) => response.writeHead(200, limit).end(documented), {
      onSent: (sentAt) => sent.push(sentAt),
    });
    const observed = { answer: { at: sent[0] }, optIn: { at: sent[0] } };
    expect(result).toMatchObject({ ok: true, observed, document: { raw: documented } });
    expect(counted.light).toEqual(light);
    expect(result.ok && result.document.records).toHaveLength(1);
    const [request] = server.requests;
    expect(request?.method).toBe("GET");
    expect(request?.url).toBe("/restapi/v1.0/account/~/call-queues/400123/presence");
    expect(request?.headers).toMatchObject({ authorization: "Bearer t0ken", accept: "application/json" });
  });

  test("gives an empty list when the queue has no members", async () => {
    const { result } = await read((response) => response.end('{"records" : [ ]}'));
    expect(result).toMatchObject({ ok: true, document: { records: [] } });
  });

  test("takes the one page of a server that counts pages", async () => {
    const paged = { records: [{}], paging: { page: 1, totalPages: 1, totalElements: 1 } };
    expect((await read((response) => response.end(JSON.stringify(paged)))).result.ok).toBe(true);
  });

  test.each([
    ["totalPages", { paging: { page: 1, totalPages: 2 } }],
    ["totalPages as text", { paging: { totalPages: "2" } }],
    ["nextPage", { navigation: { nextPage: { uri: "https://x" } } }],
    ["totalElements", { paging: { totalPages: 1, totalElements: 2 } }],
  ])("never takes a part for the whole when %s says that there is more", async (_, more) => {
    const { result } = await read((response) => response.end(JSON.stringify({ records: [{}], ...more })));
    expect(result).toMatchObject(failed("UPSTREAM_BAD_RESPONSE", "question", "Cannot read queue presence"));
  });

  test.each(["", "<html></html>", "[]", "null", "{}", '{"records":null}', '{"records":[1]}', '{"records":['])(
    "is a bad response when the answer is %j",
    async (text) => {
      const { result, ...counted } = await read((response) =>
        response.writeHead(200, { ...limit, RCRequestId: "r-1" }).end(text),
      );
      expect(result).toMatchObject(failed("UPSTREAM_BAD_RESPONSE", "question", "Cannot read"));
      expect(result).toMatchObject({ failure: { status: 200, rcRequestId: "r-1" }, exchange: { body: text } });
      expect(counted.light).toEqual(light);
    },
  );

  test("says what RingCentral refused, and for how long", async () => {
    const { result } = await read((response) =>
      response
        .writeHead(429, { ...limit, "X-Rate-Limit-Remaining": "0", "Retry-After": "60" })
        .end('{"errorCode":"CMN-301","message":"Request rate exceeded"}'),
    );
    expect(result).toMatchObject(failed("UPSTREAM_RATE_LIMITED", "budget", "CMN-301"));
    expect(result).toMatchObject({ failure: { retryAfterMs: 60_000, status: 429 } });
  });

  test("never repeats the token when the server does", async () => {
    const { result } = await read((response, _, request) =>
      response.writeHead(401).end(JSON.stringify({ message: `Bad ${request.headers.authorization}` })),
    );
    expect(result).toMatchObject(failed("UPSTREAM_UNAUTHENTICATED", "connection", "Bad Bearer [token]"));
  });

  test("times out when the time is up", async () => {
    const timeUp = new AbortController();
    const { result } = await read(() => timeUp.abort(), { timeUp: timeUp.signal });
    expect(result).toMatchObject(failed("UPSTREAM_TIMEOUT", "question", "in time"));
  });

  test("says so when it is stopped", async () => {
    const { result } = await read(() => void open.at(-1)?.close());
    expect(result).toMatchObject(failed("UPSTREAM_UNAVAILABLE", "question", "stopping"));
  });

  test("blames the connection when the server closes it", async () => {
    expect((await read(reset)).result).toMatchObject(failed("UPSTREAM_UNAVAILABLE", "connection", "closed before"));
  });

  test("calls nobody when the server is not on the allow-list", async () => {
    const { result, server } = await read((response) => response.end(documented), {}, false);
    expect(result).toMatchObject(failed("UPSTREAM_BAD_RESPONSE", "question", "allow-list"));
    expect(server.connections()).toBe(0);
  });

  test("is whole again when the second attempt succeeds", async () => {
    const sent: number[] = [];
    const { result } = await read(
      (response, number) => (number === 1 ? response.writeHead(503).end() : response.end(documented)),
      { onSent: (sentAt) => sent.push(sentAt) },
    );
    expect(sent).toHaveLength(2);
    expect(result).toMatchObject({ ok: true, observed: { answer: { at: sent[1] } } });
  });
});

describe("current()", () => {
  test("is what was read last, of that queue, and not by a reader who leaves no trace", async () => {
    const { result, connection } = await read((response) => response.end(documented));
    const question = (queueId: string) =>
      questionOf(
        { origin: connection.origin, accountId: "~", queueId, onlyExtensions: [] },
        "QUEUE",
        connectionSource(new Uint8Array(32), connection.origin, { kind: "bearer_token", token: new Secret("t0ken") }),
      );
    const { document } = connection.presence.current(question("400123"))!;
    expect(result.ok && result.document).toBe(document);
    expect(connection.presence.current(question("400124"))).toBeUndefined();
    expect(connection.aside.current(question("400123"))).toBeUndefined();
  });
});
