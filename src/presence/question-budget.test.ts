import { describe, expect, test } from "vitest";
import { OVER_BUDGET } from "../ringcentral/calls/calls.ts";
import { startPresence } from "./test-presence.ts";
import { agents, light, question } from "./test-reader.ts";

const failed = (reason: string, until: number) => ({ ok: false, trouble: { failure: { reason }, until } });

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
