import { expect, test } from "vitest";
import type { Dated } from "../../acceptance/dated.ts";
import { Secret } from "../../lib/secret.ts";
import { TestClock } from "../../lib/test-clock.ts";
import { answeredBy, callOptions, type Reply } from "../calls/test-call.ts";
import { connectionSource } from "../connection-source.ts";
import { type ByAgents, createPresenceReader } from "../presence-reader.ts";
import { questionOf } from "../question.ts";
import { AgentLists } from "./agent-lists.ts";
import { ExtensionRefresh } from "./extension-refresh.ts";
import { Tables } from "./tables.ts";

const origin = "https://platform.ringcentral.com";
const source = connectionSource(new Uint8Array(32), origin, { kind: "bearer_token", token: new Secret("t") });
const MEMBERS = [{ member: { id: "1" }, acceptQueueCalls: true, acceptCurrentQueueCalls: true }];

/** A queue with one agent that was read a second ago; `replies` say otherwise than that all goes well, by path. */
async function setUp(detail: "QUEUE" | "QUEUE_AND_EXTENSION", replies: Readonly<Record<string, Reply>> = {}) {
  const clock = new TestClock();
  const usual: Readonly<Record<string, Reply>> = {
    "/call-queues/7/presence": { body: { records: MEMBERS } },
    "/extension/1/call-queue-presence": { body: { records: [{ callQueue: { id: "7" }, acceptCalls: false }] } },
    "/extension/1/presence": { body: { dndStatus: "TakeAllCalls", telephonyStatus: "NoCall" } },
  };
  const pathOf = (path: string) => path.replace("/restapi/v1.0/account/~", "");
  const { call, calls } = answeredBy(clock, ({ path }) => replies[pathOf(path)] ?? usual[pathOf(path)]!);
  const tables = new Tables({ clock, accountId: "~", coverageOf: () => undefined });
  const shared = { call, clock, accountId: "~", tables };
  const account = { tables, extensions: new ExtensionRefresh(shared), lists: new AgentLists(shared) };
  const reader = createPresenceReader({ call, account: () => account });
  const question = questionOf({ origin, accountId: "~", queueId: "7", onlyExtensions: [] }, detail, source);
  const read = (byAgents?: ByAgents) => {
    const now = clock.now();
    return reader.read(question, { ...callOptions(), notBefore: () => now, byAgents: () => byAgents });
  };
  await read();
  await clock.advance(1_000);
  calls.length = 0;
  return {
    /** Reads it by lists for these parts, where its answer may be so old; what was called. */
    async byLists(parts: readonly Dated[], oldestMs = 5_000) {
      const result = await read({ parts, membersSince: clock.now() - oldestMs });
      return { result, called: calls.map(({ path }) => pathOf(path)) };
    },
    tables,
    clock,
  };
}

const OWN = "/call-queues/7/presence";
const LIST = "/extension/1/call-queue-presence";
const EXTENSION = "/extension/1/presence";

test("read() puts a queue together of its agents' lists, and of extensions where those are joined", async () => {
  const alone = await (await setUp("QUEUE")).byLists(["optIn"]);
  expect(alone.called).toEqual([LIST]);
  expect(alone.result.ok && alone.result.document.records).toMatchObject([{ acceptCurrentQueueCalls: false }]);
  expect(alone.result).not.toHaveProperty("exchange");
  const joined = await (await setUp("QUEUE_AND_EXTENSION")).byLists(["optIn", "doNotDisturb", "extension"]);
  expect(joined.called.toSorted()).toEqual([LIST, EXTENSION].toSorted());
});

test("read() reads the queue at once when its answer is too old to say who is in it, or is contradicted", async () => {
  expect((await (await setUp("QUEUE")).byLists(["optIn"], 500)).called).toEqual([OWN]);
  const { tables, byLists } = await setUp("QUEUE");
  tables.optIn("7", [{ extensionId: "stranger", acceptCurrentQueueCalls: true }]);
  expect((await byLists(["optIn"])).called).toEqual([OWN]);
});

test("read() reads the queue after all when a list fails, or does not hold it", async () => {
  for (const reply of [{ status: 500, body: "" }, { body: { records: [] } }]) {
    const { called, result } = await (await setUp("QUEUE", { [LIST]: reply })).byLists(["optIn"]);
    expect(called).toEqual([LIST, OWN]);
    expect(result).toMatchObject({ ok: true, exchange: { status: 200 } });
  }
});

test("read() reads the queue after all when nothing newer is to be had of an agent's Do Not Disturb", async () => {
  const { byLists } = await setUp("QUEUE_AND_EXTENSION", { [EXTENSION]: { status: 404, body: "" } });
  const { called, result } = await byLists(["optIn", "doNotDisturb", "extension"]);
  expect(called).toEqual([LIST, OWN]);
  expect(result.ok).toBe(true);
});
