import { describe, expect, test } from "vitest";
import { member, startPresence } from "./test-presence.ts";
import { agents, light, question } from "./test-reader.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

/** Presence whose reads are all answered at once. */
function answered() {
  const started = startPresence();
  started.reader.always = (read) => read.answer(agents(1));
  return started;
}

describe("attach()", () => {
  test("gives destinations the same reads when everything that changes the answer is the same", () => {
    const { asked } = startPresence();
    expect(asked(question("1"))).toBe(asked(question("1")));
  });

  test("gives destinations reads of their own when queue or credential differ", () => {
    const { asked } = startPresence();
    const distinct = new Set([asked(question("1")), asked(question("2")), asked(question("1", "other"))]);
    expect(distinct.size).toBe(3);
  });

  test("tells every destination of a read, and none when it brought nothing new", async () => {
    const { clock, reader, ask, asked } = startPresence();
    const members = [member(), member()];
    const [reads] = members.map((one) => asked(question(), one));
    ask(reads!);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(members.map(({ told }) => told)).toEqual([1, 1]);
    reads!.touch();
    await clock.advance(1);
    expect(members.map(({ told }) => told)).toEqual([1, 1]);
  });
});

describe("detach()", () => {
  test("ends the scheduled reads, and leaves no timer, when nobody asks any more", async () => {
    const { clock, reader, presence, asked } = answered();
    const [one, other] = [member(), member()];
    const reads = asked(question(), one);
    asked(question(), other);
    reads.watch(1);
    await clock.advance(0);
    presence.detach(reads, one);
    await clock.advance(8 * SECOND);
    expect(reader.count).toBe(2);
    presence.detach(reads, other);
    expect(clock.pending).toBe(0);
    expect(presence.attach(question(), one)).not.toBe(reads);
  });

  test("lets a read under way end for those who wait, and never has two at a time when it is asked again", async () => {
    const { clock, reader, presence, ask, asked } = startPresence();
    const leaves = member();
    const reads = asked(question(), leaves);
    const caller = ask(reads);
    presence.detach(reads, leaves);
    const comes = member();
    const again = asked(question(), comes);
    ask(again, { maxAgeMs: SECOND });
    expect(reader.count).toBe(1);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(caller.outcome?.ok).toBe(true);
    expect([leaves.told, comes.told]).toEqual([0, 1]);
  });

  test("forgets a question after its last read when nobody came again", async () => {
    const { clock, reader, presence, ask, asked } = startPresence();
    const leaves = member();
    const reads = asked(question(), leaves);
    reads.touch();
    ask(reads);
    presence.detach(reads, leaves);
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(clock.pending).toBe(0);
    expect(asked()).not.toBe(reads);
  });

  test("keeps what was spent of the budget when the question comes back", async () => {
    const { clock, reader, presence, ask, asked } = startPresence();
    const one = member();
    const reads = asked(question(), one);
    ask(reads);
    reader.last.answer(agents(1), light(1, 0));
    await clock.advance(SECOND);
    presence.detach(reads, one);
    await clock.advance(SECOND);
    const caller = ask(asked());
    await clock.advance(0);
    expect(caller.outcome).toMatchObject({ ok: false, trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" } } });
  });
});

describe("scheduled reads", () => {
  test("come at four fifths of max_age while a destination is watched actively, and end with that", async () => {
    const { clock, start, reader, asked } = answered();
    const reads = asked(question(), member(10 * SECOND));
    reads.watch(1);
    expect(reads.nextAt).toBe(start);
    await clock.advance(20 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 8_000, 16_000]);
    expect(reads.nextAt).toBe(start + 24_000);
    reads.watch(-1);
    expect(reads.nextAt).toBeUndefined();
    await clock.advance(16 * MINUTE);
    expect(reader.count).toBe(3);
    expect(clock.pending).toBe(0);
  });

  test("follow the smallest max_age of those who ask, also when it comes or goes later", async () => {
    const { clock, start, reader, presence, asked } = answered();
    const reads = asked(question(), member(50 * SECOND));
    reads.watch(1);
    await clock.advance(10 * SECOND);
    const hasty = member(20 * SECOND);
    presence.attach(question(), hasty);
    await clock.advance(10 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 16_000]);
    presence.detach(reads, hasty);
    await clock.advance(50 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 16_000, 56_000]);
  });

  test("go on for a minute after a Check asked, and no longer", async () => {
    const { clock, start, reader, asked } = answered();
    const reads = asked(question(), member(25 * SECOND));
    await clock.advance(5 * SECOND);
    expect(reader.count).toBe(0);
    reads.touch();
    await clock.advance(5 * MINUTE);
    expect(reader.sentAfter(start)).toEqual([5_000, 25_000, 45_000]);
    expect(reads.demand.present).toBe(false);
    await clock.advance(12 * MINUTE);
    expect(clock.pending).toBe(0);
  });

  test("begin anew from any read, so that a Check's read puts the next one off", async () => {
    const { clock, start, reader, ask, asked } = answered();
    const reads = asked(question(), member(10 * SECOND));
    reads.watch(1);
    await clock.advance(5 * SECOND);
    ask(reads);
    await clock.advance(8 * SECOND);
    expect(reader.sentAfter(start)).toEqual([0, 5_000, 13_000]);
  });

  test("keep within the share of the budget when more is watched than it can bear", async () => {
    const { clock, start, reader, asked } = answered();
    for (let queue = 1; queue <= 60; queue++) asked(question(String(queue)), member(10 * SECOND)).watch(1);
    // 60 queues at 40 reads a minute: each is read every 90 s.
    await clock.advance(6 * MINUTE);
    const sent = reader.sentAfter(start);
    for (const from of sent) {
      expect(sent.filter((at) => at >= from && at < from + MINUTE).length).toBeLessThanOrEqual(40);
    }
    for (let queue = 1; queue <= 60; queue++) {
      const reads = reader.reads.filter((read) => read.queueId === String(queue));
      expect(reads.length).toBeGreaterThanOrEqual(3);
      expect(reads.length).toBeLessThanOrEqual(5);
    }
  });

  test("leave room for a Check when they have used up their share", async () => {
    const { clock, reader, ask, asked } = startPresence();
    reader.always = (read) => read.answer(agents(1), light(10, 5));
    for (let queue = 1; queue <= 20; queue++) asked(question(String(queue))).watch(1);
    await clock.advance(SECOND);
    expect(reader.count).toBe(8);
    const caller = ask(asked(question("20")));
    await clock.advance(0);
    expect(caller.outcome?.ok).toBe(true);
  });

  test("resume when the back-off ends, however long the interval is", async () => {
    const { clock, start, reader, asked } = startPresence();
    reader.always = (read) => read.fail("UPSTREAM_TIMEOUT");
    const reads = asked(question(), member(MINUTE));
    reads.watch(1);
    await clock.advance(2_000);
    expect(reader.sentAfter(start)).toEqual([0, 250, 750, 1_750]);
    reader.always = (read) => read.answer(agents(1));
    await clock.advance(MINUTE);
    expect(reader.sentAfter(start)).toEqual([0, 250, 750, 1_750, 3_750, 51_750]);
  });

  test("find a sibling's back-off and tell it when they fall due inside it", async () => {
    const { clock, start, reader, ask, asked } = answered();
    const destination = member(10 * SECOND);
    const sibling = asked(question("2"), destination);
    sibling.watch(1);
    const neverRead = member();
    const failing = asked(question("1"));
    await clock.advance(SECOND);
    reader.always = undefined;
    ask(failing);
    reader.last.fail("UPSTREAM_UNAUTHENTICATED");
    await clock.advance(0);
    asked(question("3"), neverRead).watch(1);
    await clock.advance(6_999);
    expect(neverRead.told).toBe(1);
    expect(sibling.trouble).toBeUndefined();
    await clock.advance(1);
    expect(sibling.trouble).toMatchObject({ failure: { reason: "UPSTREAM_UNAUTHENTICATED" }, until: start + 11_000 });
    expect(destination.told).toBe(2);
    expect(reader.count).toBe(2);
    await clock.advance(3 * SECOND);
    expect(reader.sentAfter(start).slice(2)).toEqual([11_000, 11_000]);
  });
});

describe("close()", () => {
  test("ends the reads under way and leaves no timer and no back-off", async () => {
    const { clock, reader, presence, backOffs, ask, asked } = startPresence();
    const one = asked();
    const other = asked(question("2"));
    const orphaned = member();
    const left = asked(question("3"), orphaned);
    for (const reads of [one, other, left]) reads.watch(1);
    await clock.advance(0);
    ask(one);
    presence.detach(left, orphaned);
    presence.close();
    expect(reader.reads.map(({ options }) => options.timeUp.aborted)).toEqual([true, true, true]);
    await clock.advance(MINUTE);
    expect(clock.pending).toBe(0);
    expect(backOffs.size).toBe(0);
    expect(reader.count).toBe(3);
  });

  test("sends nothing any more when a read waits for the budget", async () => {
    const { clock, reader, presence, ask, asked } = startPresence();
    const reads = asked();
    ask(reads);
    reader.last.answer(agents(1), light(1, 0));
    await clock.advance(SECOND);
    ask(reads, { timeoutMs: MINUTE });
    presence.close();
    await clock.advance(2 * MINUTE);
    expect(clock.pending).toBe(0);
    expect(reader.count).toBe(1);
  });
});
