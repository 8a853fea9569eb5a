import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CriteriaSpec } from "../acceptance/criteria.ts";
import { createEvaluator, type Evaluation } from "../acceptance/evaluate.ts";
import type { FailurePolicy } from "../destinations/compile.ts";
import type { UpstreamReason } from "../lib/reasons.ts";
import { agents, light, unknownAgent } from "../presence/test-reader.ts";
import type { Answer } from "./answer.ts";
import { atLeast, startWorld } from "./test-world.ts";

const SECOND = 1_000;
const policy = (onUndecided: FailurePolicy["onUndecided"], lastKnownLimitMs = 30_000): FailurePolicy => ({
  onUndecided,
  lastKnownLimitMs,
});
const POLICIES = ["LAST_KNOWN", "REJECT", "ACCEPT"] as const;
const absent = { measured: undefined, agents: undefined, observedAt: undefined, validUntil: undefined };
const nothing = { ...absent, accepted: false, source: "NONE" };

/** A destination "a" that is watched actively, and what it was read as first. */
async function watched(given: { policy?: FailurePolicy; read?: ReturnType<typeof agents> } = {}) {
  const world = startWorld();
  world.configure("a", { failure: given.policy ?? policy("LAST_KNOWN") });
  const end = world.board.demand({ ids: new Set(["a"]) });
  await world.clock.advance(0);
  if (given.read) {
    world.reader.last.answer(given.read);
    await world.clock.advance(0);
  }
  return { ...world, end };
}

/** As watched(), after one more read that failed. */
async function failing(reason: UpstreamReason, given: { policy: FailurePolicy; read?: ReturnType<typeof agents> }) {
  const world = await watched(given);
  if (given.read) await world.clock.advance(8 * SECOND);
  world.reader.last.fail(reason);
  await world.clock.advance(0);
  return world;
}

describe("the watched state", () => {
  test("is NOT_OBSERVED_YET when nothing was read and nothing failed, under any policy", async () => {
    for (const onUndecided of POLICIES) {
      const { state } = await watched({ policy: policy(onUndecided) });
      expect(state("a")).toMatchObject({ ...nothing, verdict: "UNDECIDED", reason: "NOT_OBSERVED_YET" });
    }
  });

  test("is CRITERIA_MET or CRITERIA_NOT_MET with what was read", async () => {
    const met = await watched({ read: agents(2, 1) });
    const observed = { observedAt: met.start, validUntil: met.start + 10 * SECOND, source: "CACHE" };
    expect(met.state("a")).toMatchObject({
      ...observed,
      accepted: true,
      verdict: "ACCEPTED",
      reason: "CRITERIA_MET",
      measured: 2,
      agents: { total: 3, accepting: 2, optedOut: 1 },
      destinationRevision: 1n,
    });
    const { state } = await watched({ read: agents(0, 1) });
    const not = { accepted: false, verdict: "REJECTED", reason: "CRITERIA_NOT_MET", measured: 0 };
    expect(state("a")).toMatchObject({ ...observed, ...not });
  });

  test("is DESTINATION_DISABLED, and no call is made, when the destination is disabled, even if invalid", async () => {
    const { clock, reader, configure, state, board } = startWorld();
    board.demand({ selector: {} });
    for (const invalid of ["", "no template"]) {
      configure("a", { disabled: true, invalid });
      await clock.advance(60 * SECOND);
      expect(state("a")).toMatchObject({ ...nothing, verdict: "REJECTED", reason: "DESTINATION_DISABLED" });
    }
    expect(reader.count).toBe(0);
    expect(clock.pending).toBe(0);
  });

  test("is DESTINATION_INVALID, with what is wrong, when the destination does not compile, under any policy", async () => {
    const { clock, configure, state, reader } = startWorld();
    configure("a", { failure: policy("ACCEPT"), invalid: "The pattern is broken" });
    await clock.advance(SECOND);
    const invalid = { verdict: "UNDECIDED", reason: "DESTINATION_INVALID", message: "The pattern is broken" };
    expect(state("a")).toMatchObject({ ...nothing, ...invalid });
    expect(reader.count).toBe(0);
  });

  test.each(POLICIES)(
    "is as read and not accepted when presence is unknown and %s finds no last verdict",
    async (on) => {
      const { state, start } = await watched({ policy: policy(on), read: unknownAgent() });
      expect(state("a")).toMatchObject({
        accepted: false,
        verdict: "UNDECIDED",
        reason: "PRESENCE_UNKNOWN",
        source: "CACHE",
        measured: 0,
        agents: { total: 1, unknown: 1 },
        observedAt: start,
        validUntil: start + 10 * SECOND,
        retryAt: start + 8 * SECOND,
      });
    },
  );

  test("is CRITERIA_FAILED, as read, when the pattern captures nothing, also under ACCEPT once proven", async () => {
    const { clock, reader, configure, state } = await watched({ policy: policy("ACCEPT"), read: agents(1) });
    const pattern = '"waiting": (\\d+)';
    const capture: CriteriaSpec = {
      criterion: { kind: "regex", type: "CAPTURE", scope: "BODY", pattern },
      condition: "GREATER_THAN",
      value: 0,
    };
    configure("a", { criteria: capture });
    await clock.advance(0);
    const failed = { accepted: false, reason: "CRITERIA_FAILED", source: "CACHE", measured: undefined };
    expect(state("a")).toMatchObject({ ...failed, agents: { total: 1 } });
    expect(reader.count).toBe(1);
  });

  test.each(["UPSTREAM_NOT_FOUND", "UPSTREAM_PERMISSION_DENIED"] as const)(
    "is never the last verdict nor accepted when RingCentral says %s",
    async (reason) => {
      for (const onUndecided of POLICIES) {
        const { clock, state } = await failing(reason, { policy: policy(onUndecided), read: agents(2) });
        const retryAt = clock.now() + 10 * SECOND;
        expect(state("a")).toMatchObject({ ...nothing, verdict: "UNDECIDED", reason, retryAt });
      }
    },
  );

  test("is the last verdict with its snapshot when a read fails under LAST_KNOWN", async () => {
    for (const [read, accepted, measured] of [
      [agents(2), true, 2],
      [agents(0, 2), false, 0],
    ] as const) {
      const { clock, start, state } = await failing("UPSTREAM_UNAVAILABLE", { policy: policy("LAST_KNOWN"), read });
      const retryAt = clock.now() + 250;
      const of = { measured, agents: { total: 2 }, observedAt: start, validUntil: start + 10 * SECOND };
      const undecided = { verdict: "UNDECIDED", reason: "UPSTREAM_UNAVAILABLE" };
      expect(state("a")).toMatchObject({ ...of, ...undecided, accepted, source: "LAST_KNOWN", retryAt });
    }
  });

  test("is the last verdict no longer, without anything else happening, when last_known_limit is over", async () => {
    const { clock, start, reader, state } = await failing("UPSTREAM_UNAUTHENTICATED", {
      policy: policy("LAST_KNOWN", 12 * SECOND),
      read: agents(2),
    });
    await clock.advance(4 * SECOND); // 12 s old
    expect(state("a")).toMatchObject({ accepted: true, source: "LAST_KNOWN" });
    const { version } = state("a");
    await clock.advance(2);
    expect(state("a")).toMatchObject({ ...nothing, reason: "UPSTREAM_UNAUTHENTICATED", retryAt: start + 18 * SECOND });
    expect(state("a").version).toBeGreaterThan(version);
    expect(reader.count).toBe(2);
  });

  test("has nothing to fall back on under LAST_KNOWN when there was no verdict", async () => {
    const { state } = await failing("UPSTREAM_TIMEOUT", { policy: policy("LAST_KNOWN") });
    expect(state("a")).toMatchObject({ ...nothing, reason: "UPSTREAM_TIMEOUT" });
  });

  test("is the last real verdict, older than the newest snapshot, when that one is undecided", async () => {
    const { clock, reader, start, state } = await watched({ read: agents(2) });
    await clock.advance(8 * SECOND);
    reader.last.answer(unknownAgent());
    await clock.advance(0);
    const known = { accepted: true, source: "LAST_KNOWN", measured: 2, observedAt: start };
    expect(state("a")).toMatchObject({ ...known, verdict: "UNDECIDED", reason: "PRESENCE_UNKNOWN" });
  });

  test("is not accepted under REJECT when a read fails", async () => {
    const { state } = await failing("UPSTREAM_TIMEOUT", { policy: policy("REJECT"), read: agents(2) });
    expect(state("a")).toMatchObject({ ...nothing, reason: "UPSTREAM_TIMEOUT" });
  });

  test("is accepted under ACCEPT when a read fails after a real verdict, and not before one", async () => {
    const proven = await failing("UPSTREAM_TIMEOUT", { policy: policy("ACCEPT"), read: agents(0, 1) });
    expect(proven.state("a")).toMatchObject({ ...absent, accepted: true, source: "NONE", reason: "UPSTREAM_TIMEOUT" });
    const unproven = await failing("UPSTREAM_TIMEOUT", { policy: policy("ACCEPT"), read: unknownAgent() });
    expect(unproven.state("a")).toMatchObject(nothing);
    expect(unproven.proven.size).toBe(0);
  });

  test("must be proven anew under ACCEPT when template or credential changed", async () => {
    for (const change of [{ queueId: "2" }, { token: "other" }]) {
      const world = await watched({ policy: policy("ACCEPT"), read: agents(1) });
      world.configure("a", change);
      await world.clock.advance(0);
      world.reader.last.fail("UPSTREAM_TIMEOUT");
      await world.clock.advance(0);
      expect(world.state("a")).toMatchObject({ ...nothing, reason: "UPSTREAM_TIMEOUT" });
      await world.clock.advance(250);
      world.reader.last.answer(agents(0));
      await world.clock.advance(8 * SECOND);
      expect(world.proven.get("a")).toBe(2n);
      world.reader.last.fail("UPSTREAM_TIMEOUT");
      await world.clock.advance(0);
      expect(world.state("a")).toMatchObject({ accepted: true, source: "NONE" });
    }
  });

  test("turns NOT_IN_TIME when it is older than three read intervals and max_age", async () => {
    const { clock, end, state } = await watched({ policy: policy("REJECT"), read: agents(2) });
    end();
    await clock.advance(24 * SECOND);
    expect(state("a").reason).toBe("CRITERIA_MET");
    await clock.advance(2);
    expect(state("a")).toMatchObject({ ...nothing, verdict: "UNDECIDED", reason: "NOT_IN_TIME" });
    expect(clock.pending).toBe(1); // the end of push, which is presence's
  });

  test("stays while three intervals last when the budget makes them longer than max_age", async () => {
    const { clock, start, reader, configure, board, state } = startWorld();
    configure("a", { failure: policy("REJECT"), maxAgeMs: SECOND });
    board.demand({ ids: new Set(["a"]) });
    await clock.advance(0);
    reader.last.answer(agents(2), light(5, 4)); // 4 scheduled reads a minute: one every 15 s
    await clock.advance(15 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 15_000]);
    reader.sends = false;
    await clock.advance(9 * SECOND);
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", observedAt: start });
  });

  test("turns UNDECIDED for a sibling when the connection fails and its own read falls due", async () => {
    const { clock, reader, configure, board, state } = startWorld();
    configure("a", { queueId: "1" });
    configure("b", { queueId: "2", failure: policy("REJECT") });
    board.demand({ ids: new Set(["b"]) });
    await clock.advance(0);
    reader.last.answer(agents(1));
    await clock.advance(SECOND);
    const end = board.demand({ ids: new Set(["a"]) });
    await clock.advance(0);
    reader.last.fail("UPSTREAM_UNAUTHENTICATED");
    end();
    await clock.advance(7 * SECOND);
    expect(state("b")).toMatchObject({ ...nothing, reason: "UPSTREAM_UNAUTHENTICATED", retryAt: clock.now() + 3_000 });
    expect(reader.count).toBe(2);
  });

  test("is judged in the order of the snapshots when an older one takes longer", async () => {
    const { evaluate, finish } = slowly();
    const { clock, reader, configure, board, state } = startWorld({ evaluate });
    configure("a");
    board.demand({ ids: new Set(["a"]) });
    await clock.advance(0);
    reader.last.answer(agents(1));
    await clock.advance(8 * SECOND);
    reader.last.answer(agents(2));
    await clock.advance(0);
    finish(1);
    await clock.advance(0);
    expect(state("a")).toMatchObject({ measured: 2 });
    finish(0);
    await clock.advance(0);
    expect(state("a")).toMatchObject({ measured: 2 });
  });

  test("comes about when every snapshot is read before the one before it is judged", async () => {
    const { evaluate, finish, count } = slowly();
    const { clock, reader, configure, board, state } = startWorld({ evaluate });
    configure("a");
    board.demand({ ids: new Set(["a"]) });
    for (let read = 0; read < 4; read++) {
      await clock.advance(read && 8 * SECOND);
      reader.last.answer(agents(read));
      await clock.advance(0);
      if (read > 0) finish(read - 1);
      await clock.advance(0);
      if (read > 0) expect(state("a")).toMatchObject({ measured: read - 1 });
    }
    expect(count()).toBe(4);
  });
});

/** An evaluator whose judgements a test finishes one by one, in any order. */
function slowly() {
  const { evaluate } = createEvaluator();
  const jobs: (() => void)[] = [];
  return {
    evaluate: (...[criteria, document]: Parameters<typeof evaluate>) =>
      new Promise<Evaluation>((resolve) => jobs.push(() => resolve(evaluate(criteria, document)))),
    finish: (job: number) => jobs[job]?.(),
    count: () => jobs.length,
  };
}

describe("reconfigure()", () => {
  test("takes the verdict again from what is known when only criteria or policy change", async () => {
    const { clock, reader, configure, state } = await watched({ read: agents(2) });
    const { version } = state("a");
    configure("a", { criteria: atLeast(3) });
    expect(state("a")).toMatchObject({ reason: "CRITERIA_NOT_MET", measured: 2, destinationRevision: 2n });
    expect(state("a").version).toBeGreaterThan(version);
    await clock.advance(SECOND);
    expect(reader.count).toBe(1);
  });

  test("takes the last known verdict again with the new criteria when the question is the same", async () => {
    const world = await failing("UPSTREAM_UNAVAILABLE", { policy: policy("LAST_KNOWN"), read: agents(2) });
    world.configure("a", { criteria: atLeast(3) });
    expect(world.state("a")).toMatchObject({ accepted: false, source: "LAST_KNOWN", measured: 2 });
    world.configure("a", { criteria: atLeast(1) });
    expect(world.state("a")).toMatchObject({ accepted: true, source: "LAST_KNOWN", observedAt: world.start });
  });

  test("takes a last known verdict again that is older than the newest snapshot, at once or in the worker", async () => {
    const slow = slowly();
    for (const evaluate of [undefined, slow.evaluate]) {
      const { clock, reader, configure, board, state } = startWorld(evaluate && { evaluate });
      configure("a");
      board.demand({ ids: new Set(["a"]) });
      for (const document of [agents(2), unknownAgent()]) {
        await clock.advance(8 * SECOND);
        reader.last.answer(document);
        await clock.advance(0);
      }
      slow.finish(0);
      slow.finish(1);
      await clock.advance(0);
      configure("a", { criteria: { ...atLeast(1), condition: "EQUAL" } });
      slow.finish(2);
      slow.finish(3);
      await clock.advance(0);
      expect(state("a")).toMatchObject({
        accepted: false,
        source: "LAST_KNOWN",
        measured: 2,
        reason: "PRESENCE_UNKNOWN",
      });
    }
  });

  test("drops the last known verdict when the question is another one", async () => {
    for (const change of [{ queueId: "2" }, { token: "other" }]) {
      const world = await watched({ read: agents(2) });
      world.configure("a", change);
      expect(world.state("a")).toMatchObject({ ...nothing, reason: "NOT_OBSERVED_YET" });
      await world.clock.advance(0);
      world.reader.last.fail("UPSTREAM_TIMEOUT");
      await world.clock.advance(0);
      expect(world.state("a")).toMatchObject({ ...nothing, reason: "UPSTREAM_TIMEOUT" });
    }
  });

  test("keeps the last known verdict when the destination was disabled or invalid in between", async () => {
    for (const change of [{ disabled: true }, { invalid: "no pattern" }]) {
      const world = await watched({ read: agents(2) });
      world.configure("a", change);
      expect(world.state("a")).toMatchObject(nothing);
      await world.clock.advance(9_000);
      world.configure("a", { disabled: false, invalid: "" });
      await world.clock.advance(0);
      world.reader.last.fail("UPSTREAM_TIMEOUT");
      await world.clock.advance(0);
      expect(world.state("a")).toMatchObject({ accepted: true, source: "LAST_KNOWN", observedAt: world.start });
    }
  });

  test("keeps the state as it was until the snapshot is judged again, when that takes the worker", async () => {
    const { evaluate, finish } = slowly();
    const { clock, reader, configure, board, state } = startWorld({ evaluate });
    configure("a");
    board.demand({ ids: new Set(["a"]) });
    await clock.advance(0);
    reader.last.answer(agents(2));
    await clock.advance(0);
    finish(0);
    await clock.advance(0);
    const before = state("a");
    configure("a", { criteria: atLeast(3) });
    expect(state("a")).toBe(before);
    finish(1);
    await clock.advance(0);
    expect(state("a")).toMatchObject({ reason: "CRITERIA_NOT_MET", destinationRevision: 2n });
  });

  test("heeds no judgement by the criteria of before", async () => {
    const { evaluate, finish } = slowly();
    const { clock, reader, configure, board, state } = startWorld({ evaluate });
    configure("a");
    board.demand({ ids: new Set(["a"]) });
    await clock.advance(0);
    reader.last.answer(agents(2));
    await clock.advance(0);
    configure("a", { criteria: atLeast(3) });
    finish(1);
    finish(0);
    await clock.advance(0);
    expect(state("a").reason).toBe("CRITERIA_NOT_MET");
  });

  test("ends a back-off when template or credential change, never when something else does", async () => {
    const world = await failing("UPSTREAM_NOT_FOUND", { policy: policy("REJECT") });
    const { clock, reader, configure, state } = world;
    configure("a", { failure: policy("ACCEPT") });
    await clock.advance(SECOND);
    expect(reader.count).toBe(1);
    configure("a", { onlyExtensions: ["100"] });
    await clock.advance(0);
    expect(reader.count).toBe(2);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(state("a").reason).toBe("CRITERIA_MET");
  });

  test("never ends a penalty", async () => {
    const world = await failing("UPSTREAM_RATE_LIMITED", { policy: policy("REJECT") });
    world.configure("a", { queueId: "2" });
    await world.clock.advance(59 * SECOND);
    expect(world.state("a")).toMatchObject({ reason: "UPSTREAM_RATE_LIMITED", retryAt: world.start + 60 * SECOND });
    expect(world.reader.count).toBe(1);
  });
});

describe("version", () => {
  test("stays, and the state is confirmed, when a read finds the same", async () => {
    const { clock, reader, hub, state } = await watched({ read: agents(2) });
    const before = state("a");
    const told: string[] = [];
    const note = (what: string) => (id: string) => told.push(`${what} ${id}`);
    hub.subscribe({ changed: note("changed"), confirmed: note("confirmed") }, { selector: {} });
    await clock.advance(8 * SECOND);
    reader.last.answer(agents(2));
    await clock.advance(0);
    expect(told).toEqual(["confirmed a"]);
    const [observedAt, validUntil] = [clock.now(), clock.now() + 10 * SECOND];
    expect(state("a")).toEqual({ ...before, observedAt, validUntil });
  });

  test("counts on when a destination is deleted and comes again, even at the same moment", async () => {
    const { configure, remove, state, board } = await watched({ read: agents(2) });
    const { version } = state("a");
    remove("a");
    const removed = board.removedVersion("a");
    configure("a");
    expect(removed).toBeGreaterThan(version);
    expect(state("a").version).toBeGreaterThan(removed);
  });

  test("is at least the Unix time in microseconds", async () => {
    const { start, state } = await watched();
    expect(state("a").version).toBe(BigInt(start) * 1000n);
  });

  test("rises with every change and with nothing else, whatever happens", async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant("read" as const), accepting: fc.nat(2) }),
      fc.record({ do: fc.constant("fail" as const) }),
      fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(0, 1, 250, 9_000, 40_000) }),
      fc.record({ do: fc.constant("configure" as const), value: fc.integer({ min: 1, max: 2 }) }),
      fc.record({ do: fc.constant("disable" as const) }),
      fc.record({ do: fc.constant("remove" as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const world = startWorld();
        const seen: Answer[] = [];
        let gone = 0n;
        const look = () => {
          const now = world.board.get("a")?.current;
          const before = seen.at(-1);
          if (now && before && now.version === before.version) {
            const { observedAt, validUntil, retryAt } = now;
            expect({ ...before, observedAt, validUntil, retryAt }).toEqual(now);
          } else if (now) {
            expect(now.version > (before?.version ?? 0n) && now.version > gone).toBe(true);
            const { observedAt, validUntil, retryAt, version } = now;
            const same = { ...before, observedAt, validUntil, retryAt, version };
            if (before && before.version > gone) expect(now).not.toEqual(same);
            seen.push(now);
          } else {
            gone = world.board.removedVersion("a");
            expect(gone >= (before?.version ?? 0n)).toBe(true);
          }
        };
        world.hub.subscribe({ changed: look, confirmed: look }, { selector: {} });
        world.configure("a");
        const end = world.board.demand({ ids: new Set(["a"]) });
        for (const given of steps) {
          if (given.do === "read") world.reader.reads.at(-1)?.answer(agents(given.accepting, 1));
          if (given.do === "fail") world.reader.reads.at(-1)?.fail("UPSTREAM_UNAVAILABLE");
          if (given.do === "wait") await world.clock.advance(given.ms);
          if (given.do === "configure") world.configure("a", { criteria: atLeast(given.value), disabled: false });
          if (given.do === "disable") world.configure("a", { disabled: true });
          if (given.do === "remove") world.remove("a");
          await world.clock.advance(0);
          look();
        }
        end();
        world.close();
        expect(world.clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe("close()", () => {
  test("leaves no timer and changes nothing any more, whatever comes later", async () => {
    const { evaluate, finish } = slowly();
    const { clock, reader, configure, board, hub, remove, proven } = startWorld({ evaluate });
    configure("a");
    configure("b");
    configure("c");
    board.demand({ selector: {} });
    await clock.advance(0);
    reader.last.answer(agents(2));
    await clock.advance(0);
    finish(2);
    await clock.advance(0);
    remove("a");
    const { position } = hub;
    finish(0);
    await clock.advance(0);
    board.close();
    finish(1);
    await clock.advance(8 * SECOND);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(hub.position).toBe(position);
    expect([...proven.keys()]).toEqual(["c"]);
    expect(clock.pending).toBe(2); // the next read and the end of push, which are presence's
  });
});
