import { describe, expect, test } from "vitest";
import { member, startPresence } from "./test-presence.ts";
import { agents, light, question } from "./test-reader.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

/** A question that is watched, was read at `start`, and is kept current by push since then. */
async function pushed(by = member()) {
  const started = startPresence({ push: true });
  const { clock, reader, push, asked } = started;
  push.begin("1");
  reader.always = (read) => read.answer(agents(2, 1));
  const reads = asked(question(), by);
  reads.watch(1);
  await clock.advance(0);
  return { ...started, reads };
}

/** How new what a member depends on is, in milliseconds after `start`. */
const ageAfter = (start: number, { demand, newest }: Awaited<ReturnType<typeof pushed>>["reads"]) =>
  demand.observedAt(newest!) - start;

describe("reads of what push keeps current", () => {
  test("come every five minutes instead of before max_age, for certainty", async () => {
    const { clock, start, reader, push, reads } = await pushed();
    expect(reads.pushed).toBe(true);
    expect([reads.intervalMs, reads.nextAt]).toEqual([5 * MINUTE, start + 5 * MINUTE]);
    expect(reads.demand.purpose(reads.newest)).toBe("reconcile");
    for (let minute = 0; minute < 11; minute++) {
      push.alive();
      await clock.advance(MINUTE);
    }
    expect(reader.sentAfter(start)).toEqual([0, 5 * MINUTE, 10 * MINUTE]);
  });

  test("are as new as the session last proved alive, without a word from it", async () => {
    const { clock, start, push, reads } = await pushed();
    const { newest } = reads;
    await clock.advance(30 * SECOND);
    expect(ageAfter(start, reads)).toBe(0);
    push.alive();
    expect(ageAfter(start, reads)).toBe(30 * SECOND);
    expect(reads.newest).toBe(newest);
  });

  test("come again before max_age, counted from the moment push ended", async () => {
    const by = member();
    const { clock, start, reader, push, reads } = await pushed(by);
    await clock.advance(100 * SECOND);
    push.alive();
    await clock.advance(SECOND);
    const told = by.told;
    push.end();
    expect(by.told).toBe(told + 1);
    expect(reads.pushed).toBe(false);
    expect(reads.nextAt).toBe(start + 108 * SECOND);
    await clock.advance(7 * SECOND);
    expect(ageAfter(start, reads)).toBe(108 * SECOND);
    await clock.advance(9 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 108 * SECOND, 116 * SECOND]);
  });

  test("are put off when push begins after them", async () => {
    const { clock, start, reader, push, asked } = startPresence({ push: true });
    reader.always = (read) => read.answer(agents(1));
    const reads = asked();
    reads.watch(1);
    await clock.advance(SECOND);
    push.begin("1");
    // What was read before may lack a change.
    expect(reads.pushed).toBe(false);
    await clock.advance(20 * SECOND);
    expect(reads.pushed).toBe(true);
    expect(reader.sentAfter(start)).toEqual([0, 8 * SECOND]);
  });

  test("go on before max_age when one destination depends on what push does not carry", async () => {
    const { clock, start, reader, reads, presence } = await pushed();
    const other = Object.assign(member(), { dependsOn: ["optIn", "doNotDisturb"] as const });
    presence.attach(question(), other);
    await clock.advance(20 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 8 * SECOND, 16 * SECOND]);
    expect(reads.pushed).toBe(false);
  });

  test("are not made for a destination that asks nothing, whatever it depends on and however soon", async () => {
    const { clock, reader, reads, presence } = await pushed();
    const asleep = { dependsOn: ["doNotDisturb"] as const, asking: false };
    presence.attach(question(), Object.assign(member(SECOND), asleep));
    expect([reads.pushed, reads.demand.maxAgeMs]).toEqual([true, 10 * SECOND]);
    await clock.advance(MINUTE);
    expect(reader.count).toBe(1);
  });

  test("leave half of the limit to everybody else", async () => {
    const { clock, reader, push, asked } = startPresence({ push: true });
    const queues = Array.from({ length: 30 }, (_, index) => String(index + 1));
    push.begin(...queues);
    reader.always = (read) => read.answer(agents(1), light(10, 9));
    for (const queue of queues) asked(question(queue)).watch(1);
    // 30 queues at 5 reads a minute: each is read again every 6 minutes.
    await clock.advance(10 * MINUTE);
    const before = reader.count;
    await clock.advance(6 * MINUTE);
    expect(reader.count - before).toBe(30);
  });
});

describe("news()", () => {
  test("makes a snapshot of what push told, and tells every destination", async () => {
    const by = member();
    const { clock, start, push, reads } = await pushed(by);
    const { newest } = reads;
    await clock.advance(SECOND);
    push.alive();
    push.optIn("1", "1001", false);
    expect(by.told).toBe(2);
    const flags = reads.newest!.document.records.map(({ acceptCurrentQueueCalls }) => acceptCurrentQueueCalls);
    expect(flags).toEqual([true, false, false]);
    expect(reads.newest!.exchange).toBe(newest!.exchange);
    expect(ageAfter(start, reads)).toBe(SECOND);
    // The one before is what it was.
    expect(newest!.document).toEqual(agents(2, 1));
  });

  test("tells nobody of another queue's news, and nobody before the first read", async () => {
    const by = member();
    const { push, asked } = await pushed(by);
    const unread = member();
    asked(question("2"), unread);
    push.optIn("2", "1001", false);
    push.begin("2");
    expect([by.told, unread.told]).toEqual([1, 0]);
  });

  test("is not believed while RingCentral says that there is no such queue", async () => {
    const { clock, start, reader, push, reads, ask } = await pushed();
    reader.always = undefined;
    await clock.advance(SECOND);
    push.alive();
    ask(reads);
    reader.last.fail("UPSTREAM_NOT_FOUND");
    await clock.advance(5 * SECOND);
    push.alive();
    push.optIn("1", "1000", false);
    expect([reads.pushed, ageAfter(start, reads)]).toEqual([false, SECOND]);
    await clock.advance(5 * SECOND);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect([reads.trouble, reads.pushed]).toEqual([undefined, true]);
  });

  test("goes on being believed while reads fail for other reasons", async () => {
    const { clock, start, reader, push, reads, ask } = await pushed();
    reader.always = undefined;
    ask(reads);
    reader.last.fail("UPSTREAM_UNAVAILABLE", { retryAfterMs: MINUTE });
    await clock.advance(30 * SECOND);
    push.alive();
    expect([reads.pushed, ageAfter(start, reads)]).toEqual([true, 30 * SECOND]);
  });
});
