import { describe, expect, test } from "vitest";
import type { Question } from "../ringcentral/question.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import type { ReadOutcome } from "./snapshot.ts";
import { member, observedByRead, startPresence } from "./test-presence.ts";
import { agents, light, question, TIMINGS } from "./test-reader.ts";

const SECOND = 1_000;

function start() {
  const world = startPresence();
  return {
    ...world,
    /** Probes; what came of it is there once it is known. */
    probe(of: Question = question(), timeoutMs = 10 * SECOND): { outcome?: ReadOutcome } {
      const asked: { outcome?: ReadOutcome } = {};
      const endsAt = world.clock.now() + timeoutMs;
      void world.presence.probe(of, { endsAt, link: undefined }).then((outcome) => {
        asked.outcome = outcome;
      });
      return asked;
    },
  };
}

const call = (attempt: number) => ({ attempt }) as UpstreamCall;

describe("probe()", () => {
  test("gives a snapshot of its own with the answer behind it, whether anybody asks the question or not", async () => {
    const { clock, reader, probe, asked } = start();
    for (const _ of ["nobody asks", "somebody asks"]) {
      const probed = probe();
      await clock.advance(20);
      reader.last.answer(agents(2));
      await clock.advance(0);
      const exchange = { status: 200, body: agents(2).raw, timings: TIMINGS };
      const snapshot = { document: agents(2), observed: observedByRead(clock.now() - 20), exchange };
      expect(probed.outcome).toEqual({ ok: true, snapshot });
      expect(asked()).toMatchObject({ newest: undefined, trouble: undefined });
    }
  });

  test("reads for itself when a read is under way, and takes nothing from a snapshot", async () => {
    const { clock, reader, probe, asked, ask } = start();
    const reads = asked();
    ask(reads);
    const probed = probe();
    expect(reader.count).toBe(2);
    reader.reads[0]!.answer(agents(1));
    await clock.advance(0);
    expect(probed.outcome).toBeUndefined();
    reader.last.answer(agents(2));
    await clock.advance(0);
    expect(reads.newest?.document).toEqual(agents(1));
    probe();
    expect(reader.count).toBe(3);
  });

  test.each(["UPSTREAM_NOT_FOUND", "UPSTREAM_UNAUTHENTICATED", "UPSTREAM_UNAVAILABLE"] as const)(
    "asks inside a back-off after %s, and neither opens, prolongs nor ends one",
    async (reason) => {
      const { clock, reader, probe, asked, ask } = start();
      const reads = asked();
      ask(reads);
      reader.last.fail(reason);
      await clock.advance(0);
      const blocked = reads.blocked;
      expect(blocked?.failure.reason).toBe(reason);
      for (const came of ["again", "well"]) {
        const probed = probe();
        if (came === "well") reader.last.answer(agents(1));
        else reader.last.fail(reason, { body: "no" });
        await clock.advance(0);
        expect(probed.outcome?.ok).toBe(came === "well");
        expect(reads.blocked).toEqual(blocked);
        expect(reads.trouble?.until).toBe(blocked?.until);
      }
    },
  );

  test("leaves no back-off behind, and says what came, when nobody had failed before", async () => {
    const { clock, reader, probe, asked } = start();
    const reads = asked();
    const probed = probe();
    reader.last.fail("UPSTREAM_NOT_FOUND", { body: "none" });
    await clock.advance(0);
    const exchange = { status: 404, body: "none", timings: TIMINGS };
    const failure = {
      reason: "UPSTREAM_NOT_FOUND",
      scope: "question",
      status: 404,
      message: 'Cannot read queue presence: RingCentral knows no such queue or account (HTTP 404, "none")',
    };
    expect(probed.outcome).toEqual({ ok: false, trouble: { failure, until: clock.now(), exchange } });
    expect(reads.blocked).toBeUndefined();
    expect(reads.trouble).toBeUndefined();
  });

  test("calls nobody inside a penalty, of whatever question it is", async () => {
    const { clock, reader, probe, asked, ask } = start();
    ask(asked(question("2")));
    reader.last.fail("UPSTREAM_RATE_LIMITED", { retryAfterMs: 30 * SECOND });
    await clock.advance(SECOND);
    const probed = probe(question("1"));
    await clock.advance(0);
    const until = clock.now() + 29 * SECOND;
    expect(probed.outcome).toMatchObject({
      ok: false,
      trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" }, until },
    });
    expect(reader.count).toBe(1);
    await clock.advance(29 * SECOND);
    probe();
    expect(reader.count).toBe(2);
  });

  test("opens a penalty for everybody when RingCentral limits it, for as long as it says whatever it counts", async () => {
    const { clock, reader, probe, asked, ask } = start();
    const probed = probe();
    reader.last.fail("UPSTREAM_RATE_LIMITED", { retryAfterMs: 5 * SECOND, limit: light(40, 0, 60) });
    await clock.advance(0);
    const until = clock.now() + 5 * SECOND;
    expect(probed.outcome).toMatchObject({ ok: false, trouble: { until } });
    const reads = asked(question("2"));
    const caller = ask(reads);
    await clock.advance(0);
    expect(caller.outcome).toMatchObject({
      ok: false,
      trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" }, until },
    });
    expect(reader.count).toBe(1);
    await clock.advance(5 * SECOND);
    ask(reads);
    await clock.advance(0);
    expect(reader.count).toBe(2);
  });

  test("spends the budget once per attempt, and does not wait for it when it is spent", async () => {
    const { clock, reader, probe, asked, ask } = start();
    ask(asked());
    reader.last.answer(agents(1), light(4, 3));
    await clock.advance(0);
    const probed = probe();
    reader.last.send(); // once more, after a reset
    expect(reader.count).toBe(2);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(probed.outcome?.ok).toBe(true);
    probe();
    expect(reader.count).toBe(3);
    const over = probe();
    await clock.advance(0);
    expect(reader.count).toBe(3);
    expect(over.outcome).toMatchObject({ ok: false, trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" } } });
    const until = over.outcome?.ok === false ? over.outcome.trouble.until : 0;
    expect(until).toBeGreaterThan(clock.now());
  });

  test("lets everybody know what RingCentral counts", async () => {
    const { clock, reader, probe, asked, ask } = start();
    const probed = probe();
    reader.last.answer(agents(1), light(40, 0));
    await clock.advance(0);
    expect(probed.outcome?.ok).toBe(true);
    const caller = ask(asked(), { waitMs: SECOND });
    await clock.advance(0);
    expect(caller.outcome).toMatchObject({ ok: false, trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" } } });
    expect(reader.count).toBe(1);
  });

  test("tells whoever asks the question of its calls, and of those of its reads", async () => {
    const { clock, reader, probe, asked, ask } = start();
    probe();
    reader.last.options.onAttempt?.(call(1)); // nobody asks: nobody may look
    reader.last.answer(agents(1));
    const [one, other] = [member(), member()];
    const reads = asked(question(), one);
    asked(question(), other);
    ask(reads);
    reader.last.options.onAttempt?.(call(2));
    probe();
    reader.last.options.onAttempt?.(call(3));
    await clock.advance(0);
    for (const { calls } of [one, other]) expect(calls.map(({ attempt }) => attempt)).toEqual([2, 3]);
  });

  test("fails with UPSTREAM_TIMEOUT when its time is up", async () => {
    const { clock, probe } = start();
    const probed = probe(question(), 500);
    await clock.advance(499);
    expect(probed.outcome).toBeUndefined();
    await clock.advance(1);
    expect(probed.outcome).toMatchObject({ ok: false, trouble: { failure: { reason: "UPSTREAM_TIMEOUT" } } });
    expect(clock.pending).toBe(0);
  });

  test("ends, and leaves nothing on the clock, when the service stops", async () => {
    const { clock, presence, probe } = start();
    const probed = probe();
    await clock.advance(0);
    presence.close();
    await clock.advance(0);
    expect(probed.outcome?.ok).toBe(false);
    expect(clock.pending).toBe(0);
  });
});
