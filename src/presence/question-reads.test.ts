import { describe, expect, test } from "vitest";
import { Secret } from "../lib/secret.ts";
import { OVER_BUDGET } from "../ringcentral/calls.ts";
import { createPastedToken } from "../ringcentral/pasted-token.ts";
import { member, observedByRead, startPresence } from "./test-presence.ts";
import { agents, light, question, TIMINGS } from "./test-reader.ts";

const failed = (reason: string, until: number) => ({ ok: false, trouble: { failure: { reason }, until } });

describe("ask()", () => {
  test("shares one read among all who ask when it is not answered yet", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    const callers = Array.from({ length: 200 }, () => ask(reads, { maxAgeMs: 5_000 }));
    expect(reader.count).toBe(1);
    const document = agents(2);
    reader.last.answer(document);
    await clock.advance(0);
    const exchange = { status: 200, body: document.raw, timings: TIMINGS };
    const snapshot = { document, observed: observedByRead(clock.now()), exchange };
    expect(callers.map(({ outcome }) => outcome)).toEqual(callers.map(() => ({ ok: true, snapshot })));
    expect(reads.newest).toEqual(snapshot);
  });

  test("joins a read in flight when it was sent late enough for the caller, and waits for the next one when not", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    const first = ask(reads);
    await clock.advance(3_000);
    const patient = ask(reads, { maxAgeMs: 3_000 });
    const strict = ask(reads, { maxAgeMs: 2_999 });
    expect(reader.count).toBe(1);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect([first.outcome?.ok, patient.outcome?.ok, strict.outcome]).toEqual([true, true, undefined]);
    expect(reader.count).toBe(2);
    reader.last.answer(agents(2));
    await clock.advance(0);
    expect(strict.outcome).toMatchObject({ ok: true, snapshot: { observed: observedByRead(clock.now()) } });
  });

  test("joins a read with max_age 0 when it was not sent yet, and never one that was", async () => {
    const { clock, reader, ask, asked } = startPresence();
    reader.sends = false;
    const reads = asked();
    ask(reads);
    await clock.advance(100);
    const joins = ask(reads);
    reader.last.send();
    await clock.advance(1);
    const waits = ask(reads);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(joins.outcome?.ok).toBe(true);
    expect(waits.outcome).toBeUndefined();
    expect(reader.count).toBe(2);
  });

  test("lets one read run and one wait when callers keep coming", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    const callers = [];
    for (let ms = 0; ms < 50; ms++) {
      callers.push(ask(reads));
      await clock.advance(1);
    }
    expect(reader.count).toBe(1);
    reader.last.answer(agents(1));
    await clock.advance(1);
    expect(reader.count).toBe(2);
    reader.last.answer(agents(1));
    await clock.advance(1);
    expect(reader.count).toBe(2);
    expect(callers.every(({ outcome }) => outcome?.ok)).toBe(true);
  });

  test("runs a read until the longest timeout of those who wait when one joins later", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads, { maxAgeMs: 60_000, timeoutMs: 1_000 });
    await clock.advance(9_900);
    ask(reads, { maxAgeMs: 60_000, timeoutMs: 5_000 });
    ask(reads, { maxAgeMs: 60_000, timeoutMs: 50 });
    await clock.advance(4_999);
    expect(reader.last.options.timeUp.aborted).toBe(false);
    expect(reader.last.options.deadline?.()).toBe(clock.now() + 1);
    await clock.advance(1);
    expect(reader.last.options.timeUp.aborted).toBe(true);
  });

  test("fails nobody else when one in a hurry leaves, and opens no back-off for it", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads, { timeoutMs: 200 });
    await clock.advance(50);
    const patient = ask(reads, { timeoutMs: 10_000 });
    await clock.advance(550);
    expect(reader.last.options.timeUp.aborted).toBe(false);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(reads.trouble).toBeUndefined();
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(patient.outcome?.ok).toBe(true);
    expect(reader.count).toBe(2);
  });

  test("gives the next read its whole time when those who waited for it first have left", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads, { timeoutMs: 10_000 });
    await clock.advance(1);
    ask(reads, { timeoutMs: 50 });
    await clock.advance(100);
    const late = ask(reads, { timeoutMs: 10_000 });
    await clock.advance(100);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(reader.count).toBe(2);
    expect(reader.last.options.timeUp.aborted).toBe(false);
    reader.last.answer(agents(3));
    await clock.advance(0);
    expect(late.outcome?.ok).toBe(true);
  });

  test("sends nothing for the next read when all who waited for it have left", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads);
    await clock.advance(1);
    const left = ask(reads, { timeoutMs: 50 });
    await clock.advance(51);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(reader.count).toBe(1);
    expect(left.outcome).toBeUndefined();
  });

  test("answers all who wait with the failure, and keeps the snapshot, when a read fails", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const destination = member();
    const reads = asked(question(), destination);
    ask(reads);
    reader.last.answer(agents(1));
    await clock.advance(1);
    const before = reads.newest;
    const joined = [ask(reads), ask(reads)];
    await clock.advance(1);
    const waiting = ask(reads);
    reader.last.fail("UPSTREAM_UNAVAILABLE");
    await clock.advance(0);
    for (const { outcome } of [...joined, waiting]) {
      expect(outcome).toMatchObject(failed("UPSTREAM_UNAVAILABLE", clock.now() + 250));
    }
    expect(reads.newest).toBe(before);
    expect(reads.trouble).toMatchObject({ until: clock.now() + 250 });
    expect([reader.count, destination.told]).toEqual([2, 2]);
  });

  test("gives the failure to those who wait for the next read, too, when it makes sense to ask again at once", async () => {
    const failure = { reason: "UPSTREAM_UNAVAILABLE", scope: "connection", message: "No new token came" } as const;
    let refused = false;
    const token = new Secret("t0ken");
    const get = () => (refused ? { ok: false as const, failure, until: 0 } : { ok: true as const, token });
    const refuse = () => {
      refused = true;
      return true;
    };
    const { clock, reader, ask, asked } = startPresence({
      tokens: () => ({ ...createPastedToken(token), get, refuse }),
    });
    const reads = asked();
    ask(reads);
    await clock.advance(1);
    const waiting = ask(reads);
    reader.last.fail("UPSTREAM_UNAUTHENTICATED");
    await clock.advance(0);
    expect(waiting.outcome).toMatchObject(failed("UPSTREAM_UNAVAILABLE", 0));
    expect(reader.count).toBe(1);
  });

  test("heeds what a failure says of the limit, as it does what an answer says", async () => {
    const { clock, start, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads);
    reader.last.answer(agents(1), light(50, 1));
    await clock.advance(1);
    ask(reads);
    reader.last.fail("UPSTREAM_BAD_RESPONSE", { limit: light(50, 0) });
    await clock.advance(5_000);
    const caller = ask(reads, { timeoutMs: 1_000 });
    await clock.advance(0);
    expect(caller.outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", start + 60_000));
    expect(reader.count).toBe(2);
  });
});

describe("ask() inside a back-off", () => {
  test("gives everybody the same reason at once and sends nothing", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const destination = member();
    const reads = asked(question(), destination);
    ask(reads);
    reader.last.fail("UPSTREAM_NOT_FOUND");
    await clock.advance(0);
    const until = clock.now() + 10_000;
    for (let second = 0; second < 9; second++) {
      const caller = ask(reads);
      await clock.advance(0);
      expect(caller.outcome).toMatchObject(failed("UPSTREAM_NOT_FOUND", until));
      await clock.advance(1_000);
    }
    expect([reader.count, destination.told]).toEqual([1, 1]);
    await clock.advance(1_000);
    ask(reads);
    expect(reader.count).toBe(2);
  });

  test.each([
    ["UPSTREAM_UNAUTHENTICATED", "another queue of the connection", question("2"), true],
    ["UPSTREAM_RATE_LIMITED", "another queue of the budget", question("2"), true],
    ["UPSTREAM_NOT_FOUND", "another queue", question("2"), false],
    ["UPSTREAM_UNAUTHENTICATED", "another token's queue", question("1", "other"), false],
    ["UPSTREAM_RATE_LIMITED", "another token's queue", question("1", "other"), false],
  ] as const)("of %s also answers %s: its scope says so", async (reason, _, other, blocked) => {
    const { clock, reader, ask, asked } = startPresence();
    const failing = asked();
    const destination = member();
    const sibling = asked(other, destination);
    ask(sibling);
    reader.last.answer(agents(1));
    await clock.advance(1);
    ask(failing);
    reader.last.fail(reason);
    await clock.advance(1);
    const caller = ask(sibling);
    await clock.advance(0);
    expect(reader.count).toBe(blocked ? 2 : 3);
    expect(caller.outcome).toEqual(blocked ? expect.objectContaining({ ok: false }) : undefined);
    expect(sibling.trouble?.failure.reason).toBe(blocked ? reason : undefined);
    expect(destination.told).toBe(blocked ? 2 : 1);
  });

  test("lets a caller join a read in flight that was sent before a sibling failed", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    const sibling = asked(question("2"));
    ask(reads);
    const inFlight = reader.last;
    ask(sibling);
    reader.last.fail("UPSTREAM_UNAVAILABLE");
    await clock.advance(1);
    const caller = ask(reads, { maxAgeMs: 1_000 });
    inFlight.answer(agents(1));
    await clock.advance(0);
    expect(caller.outcome?.ok).toBe(true);
  });

  test("sends no next read when a sibling failed while it waited for its turn", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    const sibling = asked(question("2"));
    ask(reads);
    const first = reader.last;
    await clock.advance(1);
    const next = ask(reads);
    ask(sibling);
    reader.last.fail("UPSTREAM_RATE_LIMITED", { retryAfterMs: 30_000 });
    await clock.advance(0);
    first.answer(agents(1));
    await clock.advance(0);
    expect(next.outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", clock.now() + 30_000));
    expect(reader.count).toBe(2);
  });

  test("asks again when Retry-After is over, whatever the counters beside it said", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads);
    reader.last.fail("UPSTREAM_RATE_LIMITED", { retryAfterMs: 2_000, limit: light(50, 0) });
    await clock.advance(2_000);
    ask(reads);
    expect(reader.count).toBe(2);
  });

  test("says nothing of the back-off any more when a read succeeds after it", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads);
    reader.last.fail("UPSTREAM_TIMEOUT");
    await clock.advance(250);
    ask(reads);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(reads.trouble).toBeUndefined();
    ask(reads);
    reader.last.fail("UPSTREAM_TIMEOUT");
    await clock.advance(0);
    expect(reads.trouble).toMatchObject({ until: clock.now() + 250 });
  });
});

describe("ask() over the budget", () => {
  /** A question whose budget of `limit` calls a minute was used up just now. */
  async function usedUp(limit = 2) {
    const started = startPresence();
    const { clock, reader, ask, asked } = started;
    const reads = asked();
    for (let call = 0; call < limit; call++) {
      ask(reads);
      reader.last.answer(agents(1), light(limit, limit - call - 1));
      await clock.advance(1);
    }
    return { ...started, reads };
  }

  test("answers UPSTREAM_RATE_LIMITED at once and sends nothing when no read is allowed before the caller leaves", async () => {
    const { clock, start, reader, ask, reads } = await usedUp();
    const callers = [ask(reads, { timeoutMs: 60_000, waitMs: 1_000 }), ask(reads, { timeoutMs: 59_998 })];
    await clock.advance(0);
    for (const { outcome } of callers) expect(outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", start + 60_000));
    expect(reader.count).toBe(2);
    expect(reads.trouble).toBeUndefined();
  });

  test("waits for the budget when a read is allowed before the caller leaves", async () => {
    const { clock, start, reader, ask, reads } = await usedUp();
    const caller = ask(reads, { timeoutMs: 60_000 });
    const hasty = ask(reads, { timeoutMs: 60_000, waitMs: 1_000 });
    await clock.advance(0);
    expect(reads.waitsUntil).toBe(start + 60_000);
    expect(hasty.outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", start + 60_000));
    await clock.advance(59_997);
    expect(reader.count).toBe(2);
    await clock.advance(1);
    expect(reader.count).toBe(3);
    expect(reads.waitsUntil).toBe(0);
    reader.last.answer(agents(4));
    await clock.advance(0);
    expect(caller.outcome?.ok).toBe(true);
  });

  test("lets only as many waiting reads go as calls leave the window", async () => {
    const { clock, start, reader, ask, asked, reads } = await usedUp(1);
    const other = asked(question("2"));
    const callers = [ask(reads, { timeoutMs: 60_000 }), ask(other, { timeoutMs: 60_000 })];
    await clock.advance(59_999);
    expect(reader.count).toBe(2);
    expect(reader.last.queueId).toBe("2");
    // What was never read goes first.
    expect(callers[1]?.outcome).toBeUndefined();
    expect(callers[0]?.outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", start + 120_000));
  });

  test("never calls into a penalty that began while a read waited for the budget", async () => {
    const { clock, start, reader, ask, asked, backOffs, reads } = await usedUp();
    const waits = ask(reads, { timeoutMs: 60_000 });
    await clock.advance(1_000);
    const penalty = { ...OVER_BUDGET, retryAfterMs: 90_000 };
    backOffs.open(`budget ${reads.question.source.key}/light`, penalty, clock.now());
    const meanwhile = [ask(reads), ask(asked(question("2")))];
    await clock.advance(0);
    for (const { outcome } of meanwhile) expect(outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", start + 91_002));
    await clock.advance(60_000);
    expect(waits.outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", start + 91_002));
    expect(reader.count).toBe(2);
  });

  test("counts every attempt of a read", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    ask(reads);
    reader.last.send(); // a retry
    reader.last.send();
    reader.last.answer(agents(1), light(3, 1));
    await clock.advance(1);
    const caller = ask(reads, { timeoutMs: 1_000 });
    await clock.advance(0);
    expect(caller.outcome).toMatchObject({ ok: false, trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" } } });
    expect(reader.count).toBe(1);
  });
});

describe("forgive()", () => {
  test("asks again at once when the question is in demand and its back-off is forgiven", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    reads.watch(1);
    await clock.advance(0);
    reader.last.fail("UPSTREAM_UNAUTHENTICATED");
    await clock.advance(1_000);
    reads.forgive();
    expect(reads.trouble).toBeUndefined();
    await clock.advance(0);
    expect(reader.count).toBe(2);
    expect(ask(reads, { maxAgeMs: 1_000 }).outcome).toBeUndefined();
  });

  test("leaves a penalty in force, with its time", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const reads = asked();
    reads.watch(1);
    await clock.advance(0);
    reader.last.fail("UPSTREAM_RATE_LIMITED", { retryAfterMs: 40_000 });
    await clock.advance(1_000);
    reads.forgive();
    const caller = ask(reads);
    await clock.advance(38_999);
    expect(caller.outcome).toMatchObject(failed("UPSTREAM_RATE_LIMITED", clock.now() + 1));
    expect(reader.count).toBe(1);
    await clock.advance(1);
    expect(reader.count).toBe(2);
  });

  test("causes no read when nothing had failed", async () => {
    const { clock, reader, asked } = startPresence();
    const reads = asked();
    reads.watch(1);
    await clock.advance(0);
    reader.last.answer(agents(1));
    await clock.advance(1_000);
    reads.forgive();
    await clock.advance(1_000);
    expect(reader.count).toBe(1);
  });
});
