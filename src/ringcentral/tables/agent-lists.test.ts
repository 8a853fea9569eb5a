import { expect, test } from "vitest";
import { parseDocument } from "../../acceptance/document.ts";
import { settle, TestClock } from "../../lib/test-clock.ts";
import type { ApiCall, CallOptions } from "../calls/call.ts";
import { answeredBy, callOptions, type Reply } from "../calls/test-call.ts";
import { AgentLists } from "./agent-lists.ts";
import { Tables } from "./tables.ts";

const HOUR = 60 * 60_000;
const list = { body: { records: [{ callQueue: { id: "7" }, acceptCalls: false }] } };
const agentIn = ({ path }: ApiCall) => /extension\/(\d+)\/call-queue-presence$/.exec(path)?.[1];

function setUp(reply: (call: ApiCall, options: CallOptions) => Reply | Promise<Reply> = () => list) {
  const clock = new TestClock();
  const tables = new Tables({ clock, accountId: "~", coverageOf: () => undefined });
  const members = ["1", "2"].map((id) => ({ member: { id }, acceptCurrentQueueCalls: true }));
  const parsed = parseDocument(JSON.stringify({ records: members }));
  if (parsed.ok) tables.queueRead("7", parsed.document, clock.now() - 1_000);
  const news: string[][] = [];
  const { call, calls } = answeredBy(clock, reply);
  const lists = new AgentLists({ call, clock, accountId: "~", tables, onNews: (ids) => news.push([...ids]) });
  return { clock, tables, lists, news, asked: () => calls.map(agentIn) };
}

test("refresh() reads each list that is too old, and tells of its queues also when nothing in it changed", async () => {
  const { clock, tables, lists, news, asked } = setUp();
  const now = clock.now();
  expect(await lists.refresh(["1", "2"], now, callOptions())).toEqual({ ok: true });
  expect(await lists.refresh(["1", "2"], now, callOptions())).toEqual({ ok: true });
  expect([asked(), news]).toEqual([["1", "2"], [["7"], ["7"]]]); // biome-ignore format: a table
  const { document, observed } = tables.compose("7", "QUEUE")!;
  expect(document.records.map((record) => record.acceptCurrentQueueCalls)).toEqual([false, false]);
  expect([observed.optIn.at, observed.answer.at]).toEqual([now, now - 1_000]);
  await clock.advance(1_000);
  await lists.refresh(["2"], clock.now(), callOptions());
  expect([asked(), news.slice(2)]).toEqual([["1", "2", "2"], [["7"]]]); // biome-ignore format: a table
});

test("refresh() reads a list once for all who ask, tells them when, and joins none that was sent too early", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { clock, lists, asked } = setUp(() => promise.then(() => list));
  const sent: number[] = [];
  const first = lists.refresh(["1"], clock.now(), callOptions({ onSent: (at) => sent.push(at) }));
  await clock.advance(1_000);
  const early = clock.now() - 1_000;
  const second = lists.refresh(["1"], early, callOptions({ onSent: (at) => sent.push(at) }));
  const third = lists.refresh(["1"], clock.now(), callOptions());
  await settle();
  expect([asked(), sent]).toEqual([["1", "1"], [early, early]]); // biome-ignore format: a table
  resolve();
  expect(await Promise.all([first, second, third])).toEqual([{ ok: true }, { ok: true }, { ok: true }]);
});

test("refresh() leaves who has no time left, and asks nobody for an hour once a list was denied", async () => {
  const denied = { status: 403, body: { errors: [{ errorCode: "CMN-408" }] } };
  const { clock, lists } = setUp((call) => (agentIn(call) === "2" ? denied : list));
  expect(await lists.refresh(["1"], clock.now(), callOptions({ timeUp: AbortSignal.abort() }))).toMatchObject({
    failure: { reason: "UPSTREAM_TIMEOUT" },
  });
  expect(lists.allowed).toBe(true);
  expect(await lists.refresh(["1", "2"], clock.now() + 1, callOptions())).toMatchObject({
    failure: { reason: "UPSTREAM_PERMISSION_DENIED" },
  });
  expect(lists.allowed).toBe(false);
  await clock.advance(HOUR);
  expect(lists.allowed).toBe(true);
});
