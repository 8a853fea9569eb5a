import { describe, expect, test } from "vitest";
import { Secret } from "../lib/secret.ts";
import { createPastedToken } from "../ringcentral/tokens/pasted-token.ts";
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
