import { describe, expect, test } from "vitest";
import { compileCriteria, defaultCriteria } from "../acceptance/criteria.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Evaluation } from "../acceptance/evaluate.ts";
import { settle } from "../lib/test-clock.ts";
import type { Snapshot } from "../presence/snapshot.ts";
import { agents } from "../presence/test-reader.ts";
import { Judgements } from "./judgements.ts";

const criteria = () => {
  const compiled = compileCriteria(defaultCriteria, { field: "acceptance", onlyExtensions: [], detail: "QUEUE" });
  if ("violations" in compiled) throw new Error("Cannot compile the default criteria");
  return compiled.criteria;
};

/** A push session that carries everything. */
const session = () => ({ since: 0, aliveAt: 100, live: true });

function snapshot(document: PresenceDocument, at: number, coverage?: ReturnType<typeof session>): Snapshot {
  const part = { at, coverages: coverage ? [coverage] : [] };
  return { document, observed: { answer: part, optIn: part, doNotDisturb: part, extension: part } };
}

const real = (measured: number): Evaluation => ({
  verdict: measured > 0 ? "ACCEPTED" : "REJECTED",
  reason: measured > 0 ? "CRITERIA_MET" : "CRITERIA_NOT_MET",
  message: "",
  measured,
  agents: {},
});
const unknown: Evaluation = { verdict: "UNDECIDED", reason: "PRESENCE_UNKNOWN", message: "", measured: 0, agents: {} };

/** Judgements that the test makes, in the order in which they are asked for or any other. */
function start() {
  const jobs: ((evaluation: Evaluation) => void)[] = [];
  let late = 0;
  let proved = 0;
  let atOnce: Evaluation | undefined;
  const judgements = new Judgements(criteria(), {
    evaluate() {
      if (atOnce) return atOnce;
      const { promise, resolve } = Promise.withResolvers<Evaluation>();
      jobs.push(resolve);
      return promise;
    },
    onLate: () => late++,
    onReal: () => proved++,
  });
  return {
    judgements,
    count: () => jobs.length,
    told: () => [late, proved],
    async finish(job: number, evaluation: Evaluation) {
      jobs[job]?.(evaluation);
      await settle();
    },
    /** From now on these judge at once. */
    judge(evaluation: Evaluation) {
      atOnce = evaluation;
    },
  };
}

describe("take()", () => {
  test("judges a document once, however often it is observed, and dates the verdict by the newest", async () => {
    const { judgements, judge, told } = start();
    judge(real(2));
    const document = agents(2);
    for (const at of [10, 20]) judgements.take(snapshot(document, at));
    judgements.take(snapshot(document, 30));
    expect(judgements.newest).toMatchObject({ at: 30, pushed: false, evaluation: real(2) });
    expect(judgements.lastReal?.at).toBe(30);
    expect(told()).toEqual([0, 1]);
  });

  test("dates a late verdict by what was observed again while it was made", async () => {
    const { judgements, finish, count } = start();
    const document = agents(2);
    judgements.take(snapshot(document, 10));
    judgements.take(snapshot(document, 20));
    await finish(0, real(2));
    expect([judgements.newest?.at, judgements.judging, count()]).toEqual([20, undefined, 1]);
  });

  test("lets no late verdict stand for one of what came later, also where push keeps both as new", async () => {
    const { judgements, finish } = start();
    const push = session();
    judgements.take(snapshot(agents(1), 10, push));
    judgements.take(snapshot(agents(2), 10, push));
    await finish(1, real(2));
    await finish(0, real(1));
    expect(judgements.newest).toMatchObject({ evaluation: { measured: 2 }, at: 100, pushed: true });
    expect(judgements.lastReal?.evaluation.measured).toBe(2);
  });

  test("lets a verdict grow old from the moment push tells something else, which cannot be decided", () => {
    const { judgements, judge } = start();
    const push = session();
    judge(real(2));
    judgements.take(snapshot(agents(2), 10, push));
    push.aliveAt = 200;
    expect(judgements.lastReal).toMatchObject({ at: 200, pushed: true });
    judge(unknown);
    judgements.take(snapshot(agents(1), 10, push));
    push.aliveAt = 300;
    expect(judgements.newest).toMatchObject({ at: 300, evaluation: unknown });
    expect(judgements.lastReal).toMatchObject({ at: 200, evaluation: real(2) });
  });

  test("lets it grow old from the same moment when what came since is still being judged", async () => {
    const { judgements, finish } = start();
    const push = session();
    judgements.take(snapshot(agents(2), 10, push));
    await finish(0, real(2));
    judgements.take(snapshot(agents(1), 10, push));
    push.aliveAt = 300;
    // Until then its source is what it was, or the state would change twice.
    expect(judgements.newest).toMatchObject({ at: 100, pushed: true, evaluation: real(2) });
    await finish(1, unknown);
    expect(judgements.newest).toMatchObject({ at: 300, evaluation: unknown });
    expect(judgements.lastReal?.at).toBe(100);
  });

  test("dates a late verdict by the moment at which something else came", async () => {
    const { judgements, finish } = start();
    const push = session();
    judgements.take(snapshot(agents(2), 10, push));
    judgements.take(snapshot(agents(1), 10, push));
    push.aliveAt = 300;
    await finish(0, real(2));
    expect(judgements.newest?.at).toBe(100);
    expect(judgements.lastReal?.at).toBe(100);
  });
});

describe("restart()", () => {
  test("takes the last real verdict again, as old as it was, before what was read since", () => {
    const { judgements, judge } = start();
    const push = session();
    judge(real(2));
    judgements.take(snapshot(agents(2), 10, push));
    judge(unknown);
    const newest = snapshot(agents(1), 10, push);
    judgements.take(newest);
    push.aliveAt = 300;
    judge(real(5));
    judgements.restart(criteria(), { same: true, newest });
    expect(judgements.newest).toBeUndefined();
    expect(judgements.lastReal).toMatchObject({ at: 100, pushed: false, evaluation: real(5) });
    judge(unknown);
    judgements.take(newest);
    expect(judgements.newest).toMatchObject({ at: 300, evaluation: unknown });
    expect(judgements.lastReal).toMatchObject({ at: 100, evaluation: real(5) });
  });

  test("lets a verdict grow old that is about what is known no more", () => {
    const { judgements, judge } = start();
    const push = session();
    judge(real(2));
    judgements.take(snapshot(agents(2), 10, push));
    judgements.restart(criteria(), { same: true, newest: undefined });
    push.aliveAt = 300;
    expect(judgements.lastReal).toMatchObject({ at: 100, pushed: false });
  });

  test("forgets all when another question is asked, and keeps the last real verdict while none is", () => {
    const { judgements, judge } = start();
    judge(real(2));
    judgements.take(snapshot(agents(2), 10));
    judgements.restart(undefined, undefined);
    expect([judgements.newest, judgements.lastReal?.evaluation]).toEqual([undefined, real(2)]);
    judgements.restart(criteria(), { same: false, newest: undefined });
    expect(judgements.lastReal).toBeUndefined();
  });

  test("hears nothing of what was asked of other criteria, nor of another question with the same ones", async () => {
    const { judgements, finish, told } = start();
    judgements.take(snapshot(agents(2), 10));
    judgements.restart(criteria(), { same: true, newest: undefined });
    await finish(0, real(2));
    expect([judgements.newest, judgements.lastReal, told()]).toEqual([undefined, undefined, [0, 0]]);
    judgements.take(snapshot(agents(3), 20));
    judgements.close();
    await finish(1, real(3));
    expect([judgements.newest, judgements.judging, told()]).toEqual([undefined, undefined, [0, 0]]);
  });
});
