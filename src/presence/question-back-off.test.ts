import { describe, expect, test } from "vitest";
import { member, startPresence } from "./test-presence.ts";
import { agents, light, question } from "./test-reader.ts";

const failed = (reason: string, until: number) => ({ ok: false, trouble: { failure: { reason }, until } });

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
