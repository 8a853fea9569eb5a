import { expect, test } from "vitest";
import { SHORTEST_INTERVAL_MS } from "./cadence.ts";
import { startPresence } from "./test-presence.ts";
import { agents, light, question } from "./test-reader.ts";

const MINUTE = 60_000;

/** A question that is watched and kept current by push, of which `left` calls are left after its first read. */
async function pushed(left = 40) {
  const started = startPresence({ push: true });
  const { clock, reader, push, asked } = started;
  push.begin("1");
  reader.always = (read) => read.answer(agents(2), light(50, left));
  const reads = asked(question());
  reads.watch(1);
  await clock.advance(1_000);
  return { ...started, reads };
}

test("a queue is read again at once when an event tells of a stranger, though push keeps the rest current", async () => {
  const { clock, start, reader, push, reads } = await pushed();
  expect(reads.nextAt).toBe(start + 5 * MINUTE);
  push.optIn("1", "777", true);
  await clock.advance(0);
  expect(reader.sentAfter(start)).toEqual([0, 1_000]);
  // Nobody knows which of the two came first in that millisecond.
  await clock.advance(MINUTE);
  expect(reader.sentAfter(start)).toEqual([0, 1_000, 1_000 + SHORTEST_INTERVAL_MS]);
  expect(reads.nextAt).toBe(start + 1_000 + SHORTEST_INTERVAL_MS + 5 * MINUTE);
});

test("a queue that every event contradicts is read no sooner than the shortest interval after it was", async () => {
  const { clock, start, reader, push } = await pushed();
  for (let step = 0; step < 4; step++) {
    push.optIn("1", `${700 + step}`, true);
    await clock.advance(100);
  }
  expect(reader.sentAfter(start)).toEqual([0, 1_000, 1_000 + SHORTEST_INTERVAL_MS]);
});

test("a queue that is contradicted waits for the budget as any other, and is read by nobody's wish alone", async () => {
  const { clock, start, reader, push, reads } = await pushed(0);
  push.optIn("1", "777", true);
  await clock.advance(1_000);
  expect([reader.count, reads.nextAt]).toEqual([1, start + MINUTE]);
  reads.watch(-1);
  await clock.advance(2 * MINUTE);
  expect(reader.count).toBe(1);
});
