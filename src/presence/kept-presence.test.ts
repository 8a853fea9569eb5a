import { expect, test } from "vitest";
import { TestClock } from "../lib/test-clock.ts";
import { Budgets } from "../ringcentral/calls/budgets.ts";
import { Connections } from "../ringcentral/connections.ts";
import { loadKeptPresence } from "../ringcentral/kept/presence-store.ts";
import { openSqlite } from "../stores/sqlite.ts";
import { BackOffs } from "../upstream/backoff.ts";
import { Presence } from "./presence.ts";
import { QuestionReads } from "./question-reads.ts";
import { member, observedByRead, pastedTokens } from "./test-presence.ts";
import { agents, question, TestReader } from "./test-reader.ts";

/** One life of the process: what is asked of RingCentral in it. */
async function life(store: ReturnType<typeof openSqlite>, clock: TestClock) {
  const reader = new TestReader(clock);
  const backOffs = new BackOffs();
  const kept = await loadKeptPresence({ store, clock });
  const budgets = new Budgets(clock);
  const connections = new Connections({ clock, backOffs, http: reader, budgets, tokens: pastedTokens, kept });
  const presence = new Presence({ clock, backOffs, connections });
  return {
    reader,
    attach: (queueId = "1") => presence.attach(question(queueId), member()),
    async stop() {
      presence.close();
      await connections.close();
    },
  };
}

/** What a queue was read to be, over a restart `downMs` later. */
async function restarted(downMs: number) {
  const clock = new TestClock();
  const store = openSqlite(":memory:");
  const first = await life(store, clock);
  const readAt = clock.now();
  first.attach().touch();
  await clock.advance(0);
  const document = agents(2, 1);
  first.reader.last.answer(document);
  await clock.advance(100);
  await first.stop();
  await clock.advance(downMs - 100);
  return { clock, readAt, document, ...(await life(store, clock)) };
}

test("a question begins with what was known before the restart, and is read again when it would have been", async () => {
  const { clock, readAt, document, reader, attach } = await restarted(3_000);
  const reads = attach();
  expect(reads.newest).toEqual({ document, observed: observedByRead(readAt) });
  reads.touch();
  expect([reader.count, reads.nextAt]).toEqual([0, readAt + 8_000]);
  await clock.advance(5_000);
  expect(reader.sentAfter(readAt)).toEqual([8_000]);
});

test("what is too old at a start is read at once when it is asked", async () => {
  const { clock, readAt, reader, attach } = await restarted(60_000);
  const reads = attach();
  expect(reads.newest?.observed).toEqual(observedByRead(readAt));
  reads.touch();
  await clock.advance(0);
  expect(reader.count).toBe(1);
});

test("a queue that was not known is asked about as ever", async () => {
  const { reader, attach, clock } = await restarted(3_000);
  const reads = attach("2");
  expect(reads.newest).toBeUndefined();
  reads.touch();
  await clock.advance(0);
  expect(reader.last.queueId).toBe("2");
});

function readsOf(observed: ReturnType<typeof observedByRead>, clock: TestClock) {
  const composed = { document: agents(1), observed };
  const read = () => Promise.reject(new Error("not asked"));
  return new QuestionReads(question(), {
    clock,
    reader: { read, current: () => composed, outdated: () => false },
    backOffs: new BackOffs(),
    keys: () => ({ connection: "c", budget: "b" }),
    freeAt: () => 0,
    interval: () => 300_000,
    onDemand: () => {},
    onIdle: () => {},
  });
}

test("what push goes on to keep current is not read again for having been restored", () => {
  const clock = new TestClock();
  const readAt = clock.now() - 100_000;
  const coverage = { since: readAt - 1, aliveAt: clock.now(), live: true };
  const pushed = { at: readAt, coverages: [coverage] };
  const reads = readsOf({ ...observedByRead(readAt), optIn: pushed }, clock);
  reads.demand.members.add(member());
  reads.touch();
  expect([reads.pushed, reads.nextAt]).toEqual([true, readAt + 300_000]);
});

test("a part that was never read makes no snapshot", () => {
  const clock = new TestClock();
  const observed = { ...observedByRead(clock.now()), extension: { at: 0, coverages: [] } };
  expect(readsOf(observed, clock).newest).toBeUndefined();
});
