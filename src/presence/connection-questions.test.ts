import { describe, expect, test } from "vitest";
import { member, startPresence } from "./test-presence.ts";
import { agents, question } from "./test-reader.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const LINGERS = 15 * MINUTE;

function start() {
  const started = startPresence({ push: true });
  started.reader.always = (read) => read.answer(agents(1));
  return {
    ...started,
    /** The queues wanted of push now; undefined while nothing was said. */
    wanted: () => started.push.wants.at(-1)?.map(({ queueId }) => queueId),
  };
}

describe("what push has to carry", () => {
  test("is told once for a crowd of destinations, with what they depend on and the smallest max_age", async () => {
    const { clock, push, asked } = start();
    asked(question("1"), member(20 * SECOND)).watch(1);
    asked(question("1"), member(5 * SECOND));
    asked(question("2"), Object.assign(member(), { dependsOn: ["optIn", "doNotDisturb"] })).watch(1);
    await clock.advance(99);
    expect(push.wants).toEqual([]);
    await clock.advance(1);
    const need = { accountId: "~", extensions: false };
    expect(push.wants).toEqual([
      [
        { ...need, queueId: "1", maxAgeMs: 5 * SECOND },
        { ...need, queueId: "2", maxAgeMs: 10 * SECOND, extensions: true },
      ],
    ]);
  });

  test("is nothing while nobody asks but passive watchers", async () => {
    const { clock, asked, wanted } = start();
    asked();
    await clock.advance(MINUTE);
    expect(wanted()).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("is everything that is asked over the connection as soon as one thing is in demand", async () => {
    const { clock, asked, wanted } = start();
    asked(question("1"));
    asked(question("2"), Object.assign(member(), { asking: false }));
    const reads = asked(question("3"));
    await clock.advance(MINUTE);
    reads.touch();
    await clock.advance(100);
    expect(wanted()).toEqual(["1", "3"]);
  });

  test("is told anew when a destination goes, and when one asks other things", async () => {
    const { clock, push, presence, asked, wanted } = start();
    const leaves = member();
    const reads = asked(question("1"), leaves);
    const other = member();
    asked(question("2"), other).watch(1);
    await clock.advance(100);
    presence.detach(reads, leaves);
    await clock.advance(100);
    expect([wanted(), push.forgotten]).toEqual([["2"], ["1"]]);
    presence.changed(presence.attach(question("2"), Object.assign(other, { dependsOn: ["extension"] })));
    await clock.advance(100);
    expect(push.wants.at(-1)).toMatchObject([{ queueId: "2", extensions: true }]);
  });

  test.each([
    ["a watcher went", (reads: { watch(change: 1 | -1): void }) => reads.watch(1), 0],
    ["a Check asked", (reads: { touch(): void }) => reads.touch(), MINUTE],
  ] as const)("goes on for 15 minutes after the last demand when %s", async (_, demand, lasts) => {
    const { clock, presence, asked, wanted } = start();
    const by = member(5 * MINUTE);
    const reads = asked(question(), by);
    demand(reads);
    // Long enough for the first 15 minutes to be over soon.
    if (lasts === 0) {
      await clock.advance(14 * MINUTE);
      reads.watch(-1);
    } else {
      for (let asks = 0; asks < 14; asks++) {
        await clock.advance(MINUTE);
        reads.touch();
      }
    }
    await clock.advance(lasts + LINGERS - SECOND);
    expect(wanted()).toEqual(["1"]);
    await clock.advance(2 * SECOND);
    expect(wanted()).toEqual([]);
    expect(clock.pending).toBe(0);
    presence.detach(reads, by);
    expect(clock.pending).toBe(0);
  });

  test("goes on for 15 minutes after the demand of a destination that is gone", async () => {
    const { clock, presence, asked, wanted } = start();
    const by = member();
    asked(question("2"));
    const reads = asked(question("1"), by);
    reads.watch(1);
    await clock.advance(14 * MINUTE);
    reads.watch(-1);
    presence.detach(reads, by);
    await clock.advance(LINGERS - SECOND);
    expect(wanted()).toEqual(["2"]);
    await clock.advance(2 * SECOND);
    expect(wanted()).toEqual([]);
  });
});

test("a connection that nothing is asked over any more is listened to no longer", async () => {
  const { clock, push, presence, asked } = start();
  const by = member();
  const reads = asked(question(), by);
  expect(push.listeners).toBe(1);
  presence.detach(reads, by);
  expect([push.listeners, clock.pending]).toEqual([0, 0]);
});

test("another token is asked with at once, and push hears what it is to carry", async () => {
  const { clock, reader, push, connections, asked } = start();
  reader.always = undefined;
  const reads = asked();
  reads.watch(1);
  await clock.advance(0);
  reader.last.fail("UPSTREAM_UNAUTHENTICATED");
  await clock.advance(SECOND);
  expect([reader.count, push.wants.length]).toEqual([1, 1]);
  push.renewed();
  await clock.advance(SECOND);
  expect([reader.count, push.wants.length]).toEqual([2, 2]);
  expect(connections.get(question().source.key)).toBeDefined();
});
