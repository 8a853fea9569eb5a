import { afterEach, describe, expect, test } from "vitest";
import type { Dated } from "../src/acceptance/dated.ts";
import { presenceOnClock } from "./support/presence-on-clock.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const MAX_AGE = 20 * SECOND;
const LIMIT = 50;

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

/** 40 queues of the same agents, each watched, after their first two minutes; none has been told of by push. */
async function watched(agents: number, dependsOn: readonly Dated[] = ["optIn"]) {
  const world = await presenceOnClock({ queues: 0, limits: { light: LIMIT } });
  closing.push(() => world.close());
  const { simulator, clock, watch } = world;
  const first = simulator.world.addQueue(agents);
  const extensionIds = first.members.map(({ agent }) => agent.id);
  const others = Array.from({ length: 39 }, () => simulator.world.addQueue(0).id);
  for (const id of others) for (const extensionId of extensionIds) simulator.world.addMember(id, extensionId);
  const questions = [first.id, ...others].map((id) => watch(id, MAX_AGE, dependsOn));
  await clock.advance(2 * MINUTE);
  simulator.clearRequests();
  return {
    ...world,
    questions,
    extensionIds,
    /** Moves on, second by second; the oldest that anything was meanwhile, in milliseconds. */
    async oldestIn(ms: number): Promise<number> {
      let oldest = 0;
      for (const end = clock.now() + ms; clock.now() < end; ) {
        await clock.advance(SECOND);
        for (const { newest } of questions) oldest = Math.max(oldest, clock.now() - newest!.observed.optIn.at);
      }
      return oldest;
    },
    /** Calls to a route since the first two minutes. */
    calls: (on: string) => simulator.requests.filter((request) => request.on === on).length,
    /** What the queue's newest snapshot says of its agents. */
    optedIn: (index: number) =>
      questions[index]!.newest!.document.records.map((record) => record.acceptCurrentQueueCalls),
  };
}

describe("40 queues with 5 agents", () => {
  test("are read by the agents' own lists, more often and for less than by their own answers", async () => {
    const { simulator, oldestIn, calls, questions } = await watched(5);
    expect(await oldestIn(10 * MINUTE)).toBeLessThan(MAX_AGE);
    // A minute: 20 lists, and 40 queues in less than five minutes.
    expect(calls("call-queue-presence")).toBeLessThanOrEqual(10 * 20);
    expect(calls("queue-presence")).toBeLessThanOrEqual(10 * 15);
    expect(calls("queue-presence")).toBeGreaterThanOrEqual(2 * questions.length);
    expect(simulator.limits.most("light")).toBeLessThanOrEqual(0.8 * LIMIT);
    expect(questions[0]!.intervalMs).toBe(0.8 * MAX_AGE);
    // What explains an answer is the queue's own one before.
    for (const { newest } of questions) expect(newest!.exchange?.status).toBe(200);
  });

  test("tell who opts in and out, also in one queue alone, and who joins or leaves", async () => {
    const { simulator, clock, questions, extensionIds, optedIn } = await watched(5);
    const { queueId } = questions[7]!.question.queue;
    simulator.world.set(queueId, extensionIds[2]!, { acceptCurrentQueueCalls: false });
    await clock.advance(MAX_AGE);
    expect([optedIn(7), optedIn(8)]).toEqual([
      [true, true, false, true, true],
      [true, true, true, true, true],
    ]);
    expect(questions[7]!.newest!.exchange?.status).toBe(200);
    // The list of who left does not hold the queue any more: then it is read itself.
    simulator.world.removeMember(queueId, extensionIds[0]!);
    await clock.advance(MAX_AGE);
    expect(optedIn(7)).toEqual([true, false, true, true]);
    simulator.world.addMember(queueId, extensionIds[0]!, false);
    await clock.advance(MAX_AGE);
    expect(optedIn(7)).toHaveLength(5);
  });

  test("are read themselves when lists are denied", async () => {
    const { simulator, clock, calls } = await watched(5);
    simulator.faults.add({ kind: "forbidden", on: "call-queue-presence", times: 1_000 });
    await clock.advance(2 * MINUTE);
    const lists = calls("call-queue-presence");
    await clock.advance(5 * MINUTE);
    expect(calls("call-queue-presence")).toBe(lists);
    expect(calls("queue-presence")).toBeGreaterThan(4 * 40);
  });
});

test("queues are read themselves where agents are many, or more is wanted than lists tell", async () => {
  for (const { calls, clock } of [
    await watched(21),
    await watched(5, ["answer"]),
    await watched(5, ["doNotDisturb"]),
  ]) {
    await clock.advance(2 * MINUTE);
    expect([calls("call-queue-presence"), calls("queue-presence")]).toEqual([0, 2 * 40]);
  }
});

test("joined presence is put together of lists and extensions alone", async () => {
  const { clock, calls, questions } = await watched(5, ["optIn", "doNotDisturb", "extension"]);
  await clock.advance(3 * MINUTE);
  expect(calls("call-queue-presence")).toBeGreaterThan(3 * 5);
  expect(calls("extension-presence")).toBeLessThan(20);
  for (const { newest } of questions) {
    const { optIn, doNotDisturb, extension } = newest!.observed;
    expect(clock.now() - Math.min(optIn.at, doNotDisturb.at, extension.at)).toBeLessThan(1.5 * MAX_AGE);
  }
});
