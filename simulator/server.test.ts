import { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { WorldChange } from "./news.ts";
import { type Simulator, type SimulatorOptions, startSimulator } from "./server.ts";

let simulator: Simulator;
let client: Agent;

async function start(options: SimulatorOptions = {}) {
  simulator = await startSimulator(options);
}

beforeEach(() => {
  client = new Agent({ connections: 1 });
});
afterEach(async () => {
  await client.destroy();
  await simulator.close();
});

async function get(path: string, options: { authorization?: string | null; method?: "GET" | "DELETE" } = {}) {
  const { authorization = `Bearer ${simulator.token}`, method = "GET" } = options;
  const answer = await client.request({
    origin: simulator.origin,
    path,
    method,
    headers: { "user-agent": "test/1", ...(authorization === null ? {} : { authorization }) },
  });
  const text = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, text };
}

const presencePath = (queueId = simulator.world.queueIds[0], account = "~") =>
  `/restapi/v1.0/account/${account}/call-queues/${queueId}/presence`;

const errorCode = ({ text }: { text: string }) => {
  const { errorCode: top, errors } = JSON.parse(text);
  return errors[0]?.errorCode ?? top;
};

test("startSimulator() answers a queue's presence as the platform does when asked with the token", async () => {
  await start();
  const { id } = simulator.world.addQueue([{ acceptQueueCalls: false }]);
  const { agent } = simulator.world.queue(id).members[0]!;
  const { status, headers, text } = await get(presencePath(id));

  expect(status).toBe(200);
  expect(text).toBe(`{
  "records" : [ {
    "member" : {
      "id" : "${agent.id}",
      "name" : "${agent.name}",
      "extensionNumber" : "${agent.extensionNumber}",
      "site" : {
        "id" : "main-site",
        "name" : "Main Site"
      }
    },
    "acceptQueueCalls" : false,
    "acceptCurrentQueueCalls" : true
  } ]
}`);
  expect(headers).toMatchObject({
    "content-type": "application/json;charset=utf-8",
    "content-language": "en-US",
    routingkey: "SJC11P01",
    rcrequestid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    "x-rate-limit-group": "light",
    "x-rate-limit-limit": "50",
    "x-rate-limit-remaining": "49",
    "x-rate-limit-window": "60",
  });
});

test("startSimulator() shows a change to the next reader, and an empty queue as no records", async () => {
  await start();
  const [id] = simulator.world.queueIds as [string];
  simulator.world.setAll(id, { acceptCurrentQueueCalls: false });
  expect((await get(presencePath(id))).text).not.toContain('"acceptCurrentQueueCalls" : true');
  const empty = simulator.world.addQueue([]);
  expect((await get(presencePath(empty.id, simulator.world.accountId))).text).toBe('{\n  "records" : [ ]\n}');
});

test("startSimulator() writes the seed's records when the layout is seed, and no blanks when it is compact", async () => {
  await start({ layout: "seed" });
  const seed = await get(presencePath());
  expect(JSON.parse(seed.text)).toMatchObject({
    records: [
      { extension: { id: "979428000" }, acceptCurrentQueueCalls: true, presenceStatus: "Available" },
      {},
      {},
      {},
    ],
    paging: { page: 1, totalPages: 1, totalElements: 4 },
  });
  expect(seed.text).toContain('"acceptCurrentQueueCalls": true');
  await simulator.close();
  await start({ layout: "compact" });
  expect((await get(presencePath())).text).toContain('"acceptCurrentQueueCalls":true');
});

test("startSimulator() refuses with the platform's own errors", async () => {
  await start();
  const queue = presencePath();
  expect(errorCode(await get(queue, { authorization: null }))).toBe("AGW-401");
  expect(errorCode(await get(queue, { authorization: "Basic eDp5" }))).toBe("AGW-402");
  const unknown = await get(queue, { authorization: "Bearer stale" });
  expect([unknown.status, errorCode(unknown)]).toEqual([401, "OAU-213"]);
  expect(unknown.headers["www-authenticate"]).toBe('Bearer realm="RingCentral REST API"');

  const noQueue = await get(presencePath("123"));
  expect([noQueue.status, JSON.parse(noQueue.text).errors[0].parameterName]).toEqual([404, "groupId"]);
  expect(JSON.parse((await get(presencePath(simulator.world.queueIds[0], "99"))).text).parameterName).toBe("accountId");
  expect(errorCode(await get("/restapi/v1.0/nothing"))).toBe("CMN-120");
  expect(errorCode(await get("/"))).toBe("AGW-404");
  const posted = await get(queue, { method: "DELETE" });
  expect([posted.status, posted.headers.allow]).toEqual([405, "GET"]);

  simulator.tokens.delete(simulator.token);
  expect(errorCode(await get(queue))).toBe("OAU-213");
});

test("startSimulator() throttles when the limit is exceeded, until a minute has passed in peace", async () => {
  let now = Date.UTC(2026, 0, 5);
  await start({ limits: { light: 2 }, now: () => now });
  for (const remaining of ["1", "0"]) {
    expect((await get(presencePath())).headers["x-rate-limit-remaining"]).toBe(remaining);
  }
  const refused = await get(presencePath());
  expect([refused.status, errorCode(refused), refused.headers["retry-after"]]).toEqual([429, "CMN-301", "60"]);
  now += 59_000;
  expect((await get(presencePath())).status).toBe(429);
  now += 59_000;
  expect((await get(presencePath())).status).toBe(429);
  now += 60_000;
  expect((await get(presencePath())).status).toBe(200);
});

test("requests tells what came, on which connection, and never the token", async () => {
  await start();
  const answer = await client.request({
    origin: simulator.origin,
    path: "/restapi/x?y=1",
    method: "GET",
    headers: { authorization: `Bearer ${simulator.token}`, traceparent: "00-1-2-01" },
  });
  await answer.body.dump();
  await get(presencePath());
  const [first, second] = simulator.requests;
  expect(first).toMatchObject({ path: "/restapi/x?y=1", traceparent: true, authorization: true, status: 404 });
  expect(second).toMatchObject({
    traceparent: false,
    status: 200,
    queueId: simulator.world.queueIds[0],
    broken: false,
  });
  expect(second!.connection).toBe(first!.connection);
  expect(second!.headers["user-agent"]).toBe("test/1");
  expect(JSON.stringify(simulator.requests)).not.toContain(simulator.token);
  simulator.clearRequests();
  expect(simulator.requests).toHaveLength(0);
});

test("waitForRequests() resolves when so many have come, and rejects when the simulator closes first", async () => {
  await start();
  const two = simulator.waitForRequests(2);
  await get(presencePath());
  await get(presencePath());
  await two;
  const three = simulator.waitForRequests(3).catch((error: Error) => error.message);
  await simulator.close();
  expect(await three).toBe("Cannot wait for 3 requests: the simulator closed after 2");
});

test("startSimulator() moves agents by itself when given an interval", async () => {
  await start({ intervalMs: 1 });
  const change = await new Promise<WorldChange>((resolve) => simulator.world.subscribe(resolve));
  expect(simulator.world.queueIds).toContain(change.queueId);
});

test("startSimulator() rejects when the port is taken", async () => {
  await start();
  const port = Number(new URL(simulator.origin).port);
  await expect(startSimulator({ port })).rejects.toThrow("EADDRINUSE");
});
