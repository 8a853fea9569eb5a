import { afterEach, beforeEach, expect, test } from "vitest";
import { type Simulator, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";

let simulator: Simulator;
let client: TestClient;

beforeEach(async () => {
  simulator = await startSimulator({ queues: 120, agents: 300 });
  client = new TestClient(simulator);
});
afterEach(async () => {
  await client.close();
  await simulator.close();
});

const account = "/restapi/v1.0/account/~";

test("call-queues lists queues in pages, of the medium group", async () => {
  const { world } = simulator;
  const [id] = world.queueIds as [string];
  world.queue(id).status = "Disabled";
  const { headers, json } = await client.get(`${account}/call-queues`);
  expect(headers["x-rate-limit-group"]).toBe("medium");
  expect(json.records[0]).toEqual({
    uri: `${simulator.origin}/restapi/v1.0/account/37439510/extension/${id}`,
    id,
    extensionNumber: "3001",
    name: "Queue 1",
    status: "Disabled",
    site: { id: "main-site", name: "Main Site" },
  });
  const next = new URL(json.navigation.nextPage.uri);
  const second = (await client.get(next.pathname + next.search)).json;
  expect([json.records.length, second.records.length]).toEqual([100, 20]);

  const agent = world.queue(id).members[0]!.agent.id;
  const mine = (await client.get(`${account}/call-queues?memberExtensionId=${agent}`)).json.records;
  expect(mine.map((queue: { id: string }) => queue.id)).toEqual(world.queuesOf(agent).map((queue) => queue.id));
});

test("call-queue has the details of one, members their ids as numbers", async () => {
  const [id] = simulator.world.queueIds as [string];
  const { json, headers } = await client.get(`${account}/call-queues/${id}`);
  expect(headers["x-rate-limit-group"]).toBe("light");
  expect(json).toMatchObject({ id, editableMemberStatus: true, alertTimer: expect.any(Number) });
  const members = (await client.get(`${account}/call-queues/${id}/members?perPage=2`)).json;
  const agents = simulator.world.queue(id).members.map(({ agent }) => agent);
  expect(members.records[0]).toEqual({
    uri: `${simulator.origin}/restapi/v1.0/account/37439510/extension/${agents[0]!.id}`,
    id: Number(agents[0]!.id),
    extensionNumber: agents[0]!.extensionNumber,
  });
  expect(members.paging).toMatchObject({ perPage: 2, totalElements: agents.length });
  for (const path of ["5", "5/members"])
    expect((await client.get(`${account}/call-queues/${path}`)).json.errors[0].parameterName).toBe("groupId");
});

test("members follow who joins and leaves", async () => {
  const { world } = simulator;
  const [first, second] = world.queueIds as [string, string];
  const newcomer = world.queue(second).members.find(({ agent }) => world.queuesOf(agent.id).length === 1)!.agent.id;
  const total = world.truth(first).total;
  world.addMember(first, newcomer, false);
  expect(world.truth(first)).toMatchObject({ total: total + 1, optedOut: 1 });
  world.removeMember(first, newcomer);
  expect(world.truth(first)).toMatchObject({ total, optedOut: 0 });
  expect(() => world.removeMember(first, newcomer)).toThrow("not a member");
});
