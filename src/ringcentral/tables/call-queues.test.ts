import { afterEach, describe, expect, test } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { startServer } from "../../upstream/test-server.ts";
import { answeredBy, callOptions, callsTo, type Reply } from "../calls/test-call.ts";
import { readAccountPresence } from "./account-presence.ts";
import { readAgentQueues } from "./agent-queues.ts";
import { listCallQueues } from "./call-queues.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close();
});

const clock = new TestClock();
const queue = (id: unknown, rest: object = {}) => ({
  uri: "https://platform/restapi/v1.0/account/1/extension/2",
  id,
  extensionNumber: "2001",
  name: "Sales",
  status: "Enabled",
  ...rest,
});

function list(...replies: readonly (Reply | object)[]) {
  let number = 0;
  const { call, calls } = answeredBy(clock, () => {
    const reply = replies[Math.min(number++, replies.length - 1)]!;
    return "body" in reply ? reply : { body: reply };
  });
  return { calls, listed: listCallQueues(call, "~", callOptions()) };
}

const bad = (state: string) => ({
  ok: false,
  failure: { reason: "UPSTREAM_BAD_RESPONSE", scope: "question", message: `Cannot list call queues: ${state}` },
});

describe("listCallQueues()", () => {
  test("gives every queue of every page in the order of their ids", async () => {
    const { call, calls } = answeredBy(clock, ({ path }) => {
      const page = Number(/[?&]page=(\d+)/.exec(path)?.[1]);
      const records = [
        [queue("1000"), queue(200)],
        [queue("90"), queue("1000")],
      ][page - 1];
      return { body: { records, paging: { page, totalPages: 2, totalElements: 4 } } };
    });
    const listed = await listCallQueues(call, "12", callOptions());
    expect(listed.ok && listed.queues.map(({ id }) => id)).toEqual(["90", "200", "1000"]);
    expect(listed.ok && listed.queues[0]).toEqual({
      id: "90",
      extensionNumber: "2001",
      name: "Sales",
      status: "Enabled",
    });
    expect(calls.map(({ path, group }) => `${group} ${path}`)).toEqual([
      "medium /restapi/v1.0/account/12/call-queues?page=1&perPage=1000",
      "medium /restapi/v1.0/account/12/call-queues?page=2&perPage=1000",
    ]);
  });

  test("goes on at the page that the answer names, whatever it says of their number", async () => {
    const nextPage = { uri: "https://platform/restapi/v1.0/account/1/call-queues?page=3&perPage=100" };
    const { listed, calls } = list({ records: [queue("1")], navigation: { nextPage } }, { records: [queue("2")] });
    expect(await listed).toMatchObject({ ok: true, queues: [{ id: "1" }, { id: "2" }] });
    expect(calls[1]?.path).toContain("page=3");
  });

  test("gives an empty list when there are no queues, and empty texts for what is absent", async () => {
    expect(await list({ records: [] }).listed).toEqual({ ok: true, queues: [] });
    expect(await list({ records: [{ id: "7" }] }).listed).toEqual({
      ok: true,
      queues: [{ id: "7", extensionNumber: "", name: "", status: "" }],
    });
  });

  test.each<[unknown, string]>([
    ["<html>", "its answer is not JSON"],
    [{}, "its answer has no list of records"],
    [{ records: {} }, "its answer has no list of records"],
    [{ records: [queue("7"), queue("seven")] }, 'its answer is not understood at "records[1]"'],
    [{ records: [queue("7", { name: 7 })] }, 'its answer is not understood at "records[0]"'],
    [{ records: ["7"] }, 'its answer is not understood at "records[0]"'],
    [{ records: [queue(2 ** 60)] }, 'its answer is not understood at "records[0]"'],
    [
      { records: [queue("7")], paging: { page: 1, totalPages: 1, totalElements: 2 } },
      "its answers hold fewer records than they say there are",
    ],
    [{ records: [], paging: { page: 1, totalPages: 9 } }, "the list of its answers has no end"],
  ])("fails when the answer is %j", async (body, state) => {
    expect(await list({ body }).listed).toMatchObject(bad(state));
  });

  test("asks for no page twice", async () => {
    const { calls, listed } = list({ records: [queue("1")], paging: { page: 1, totalPages: 9 } });
    expect(await listed).toMatchObject(bad("the list of its answers has no end"));
    expect(calls).toHaveLength(2);
  });

  test("stops at a list that never ends", async () => {
    const { call, calls } = answeredBy(clock, () => ({ body: { records: [], navigation: { nextPage: {} } } }));
    expect(await listCallQueues(call, "~", callOptions())).toMatchObject(bad("the list of its answers has no end"));
    expect(calls.length).toBeLessThanOrEqual(100);
  });

  test("fails with the platform's refusal on any page", async () => {
    const more = { records: [queue("1")], paging: { page: 1, totalPages: 2 } };
    const refused = { status: 403, body: { errors: [{ errorCode: "CMN-401", permissionName: "ReadAccounts" }] } };
    const { listed } = list(more, refused);
    expect(await listed).toMatchObject({
      ok: false,
      failure: { reason: "UPSTREAM_PERMISSION_DENIED", message: expect.stringContaining('"ReadAccounts"') },
    });
  });

  test("has a turn of its own for each page, of the same purpose, that rises with the first", async () => {
    const options = callOptions({ purpose: "reconcile" });
    const turns = new Set<unknown>();
    const { call } = answeredBy(clock, (_, { turn }) => {
      turns.add(turn);
      if (turns.size === 2) {
        expect(turn.purpose).toBe("reconcile");
        options.turn.raise();
        expect(turn.purpose).toBe("check");
      }
      return { body: { records: [], paging: { page: turns.size, totalPages: 3 } } };
    });
    await listCallQueues(call, "~", options);
    expect(turns.size).toBe(3);
  });

  test("reads a real server's pages", async () => {
    const server = await startServer((response, number) => {
      const records = [[queue("10")], [queue("9")]][number - 1];
      response.end(JSON.stringify({ records, paging: { page: number, totalPages: 2, totalElements: 2 } }));
    });
    const calls = callsTo(server.origin);
    open.push(calls, server);
    const listed = await listCallQueues(calls.call, "~", callOptions());
    expect(listed).toMatchObject({ ok: true, queues: [{ id: "9" }, { id: "10" }] });
  });
});

describe("readAgentQueues()", () => {
  const ask = (body: unknown) => {
    const { call } = answeredBy(clock, () => ({ body }));
    return readAgentQueues(call, { accountId: "~", extensionId: "5" }, callOptions());
  };

  test("gives whether the agent takes the calls of each queue", async () => {
    const records = [
      { callQueue: { id: "7", name: "Sales", extensionNumber: "1", editableMemberStatus: true }, acceptCalls: true },
      { callQueue: { id: 8 }, acceptCalls: false },
    ];
    expect(await ask({ records })).toEqual({
      ok: true,
      accepts: new Map([["7", true], ["8", false]]), // biome-ignore format: a table
      sentAt: clock.now(),
    });
  });

  test.each([
    { records: [{ callQueue: { id: "7" } }] },
    { records: [{ acceptCalls: true }] },
    { records: [], paging: { page: 1, totalPages: 2 } },
  ])("fails when the answer is %j", async (body) => {
    expect(await ask(body)).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_BAD_RESPONSE" } });
  });
});

test("readAccountPresence() tells of each page as it comes, also when a later one fails", async () => {
  const record = (id: number, rest: object = {}) => ({ extension: { id }, presenceStatus: "Available", ...rest });
  let number = 0;
  const replies: Reply[] = [
    { body: { records: [record(1), record(2, { dndStatus: null })], paging: { page: 1, totalPages: 2 } } },
    { body: { records: [record(3, { telephonyStatus: 7 })], paging: { page: 2, totalPages: 2 } } },
  ];
  const { call, calls } = answeredBy(clock, () => replies[number++]!);
  const told: unknown[] = [];
  const read = await readAccountPresence(call, { accountId: "~", onPage: (rows) => told.push(...rows) }, callOptions());
  expect(read).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_BAD_RESPONSE" } });
  expect(told).toEqual(["1", "2"].map((extensionId) => ({ extensionId, presence: { presenceStatus: "Available" } })));
  expect(calls[0]).toMatchObject({ group: "heavy", path: "/restapi/v1.0/account/~/presence?page=1&perPage=1000" });
});
