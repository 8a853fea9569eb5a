import fc from "fast-check";
import { expect, test } from "vitest";
import { TestClock } from "../../lib/test-clock.ts";
import { openSqlite } from "../../stores/sqlite.ts";
import type { Tables } from "../tables/tables.ts";
import { keptLife, queueAnswer, said } from "./test-kept.ts";

const QUEUES = ["1", "2"];
const EXTENSIONS = ["10", "11", "12"];
const FILTERS = [...QUEUES.map((id) => `queue:${id}`), ...EXTENSIONS.map((id) => `extension:${id}`), "account"];

const queueId = fc.constantFrom(...QUEUES);
const extensionId = fc.constantFrom(...EXTENSIONS);
const presence = fc.record(
  {
    userStatus: fc.constantFrom("Available", "Busy"),
    dndStatus: fc.constantFrom("TakeAllCalls", "DoNotAcceptDepartmentCalls", "Unknown"),
    telephonyStatus: fc.constantFrom("NoCall", "Ringing"),
  },
  { requiredKeys: [] },
);
const members = fc.dictionary(extensionId, fc.boolean());
/** How long ago a read was sent. */
const sentAgo = fc.integer({ min: 0, max: 3_000 });

const readQueue = fc.record({ kind: fc.constant("read queue" as const), queueId, members, sentAgo });
const lesser = fc.oneof(
  fc.record({ kind: fc.constant("read extension" as const), extensionId, presence, gone: fc.boolean(), sentAgo }),
  fc.record({ kind: fc.constant("read own list" as const), extensionId, accepts: members, sentAgo }),
  fc.record({ kind: fc.constant("opt in" as const), queueId, extensionId, value: fc.boolean() }),
  fc.record({ kind: fc.constant("tell" as const), extensionId, presence }),
  fc.record({ kind: fc.constant("forget" as const), queueId }),
);
type Change =
  typeof readQueue extends fc.Arbitrary<infer R>
    ? typeof lesser extends fc.Arbitrary<infer L>
      ? R | L
      : never
    : never;
const step = fc.oneof(
  { weight: 2, arbitrary: readQueue },
  { weight: 5, arbitrary: lesser },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 6_000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cover" as const), filter: fc.constantFrom(...FILTERS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("uncover" as const), filter: fc.constantFrom(...FILTERS) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
);

function apply(tables: Tables, given: Change, now: number): void {
  switch (given.kind) {
    case "read queue":
      tables.queueRead(given.queueId, queueAnswer(given.members), now - given.sentAgo);
      return;
    case "read extension": {
      const read = given.gone ? { reason: "gone", until: now + 10_000 } : given.presence;
      tables.extensionsRead([{ extensionId: given.extensionId, presence: read }], now - given.sentAgo);
      return;
    }
    case "read own list": {
      const accepts = new Map(Object.values(given.accepts).map((value, index) => [QUEUES[index % 2]!, value]));
      tables.agentQueuesRead(given.extensionId, accepts, now - given.sentAgo);
      return;
    }
    case "opt in":
      tables.optIn(given.queueId, [{ extensionId: given.extensionId, acceptCurrentQueueCalls: given.value }]);
      return;
    case "tell":
      tables.extensionChanged(given.extensionId, given.presence);
      return;
    case "forget":
      tables.forget(given.queueId);
  }
}

test("after any reads and events, what is restored says the same, of the same age, and goes on alike", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(lesser, { maxLength: 8 }), async (steps, later) => {
      const clock = new TestClock();
      const store = openSqlite(":memory:");
      const before = await keptLife({ store, clock });
      before.tables.queueRead("1", queueAnswer({ 10: true, 11: false }), clock.now());
      const busy = { userStatus: "Busy", dndStatus: "DoNotAcceptDepartmentCalls" };
      before.tables.extensionsRead([{ extensionId: "10", presence: busy }], clock.now());
      for (const given of steps) {
        const now = clock.now();
        if (given.kind === "wait") {
          await clock.advance(given.ms);
          for (const [filter, { since }] of before.coverages) {
            before.coverages.set(filter, { since, aliveAt: clock.now(), live: true });
          }
        } else if (given.kind === "cover") before.coverages.set(given.filter, { since: now, aliveAt: now, live: true });
        else if (given.kind === "uncover") before.coverages.delete(given.filter);
        else if (given.kind === "flush") await before.saver.flush();
        else apply(before.tables, given, now);
        // Whoever is told of news looks at them.
        said(before.tables, QUEUES);
      }
      const known = said(before.tables, QUEUES);
      expect(await before.saver.flush()).toBe(true);
      // The session does not go on, and what it kept current stands still.
      before.coverages.clear();
      await clock.advance(1_000);

      const after = await keptLife({ store, clock });
      expect(after.saver.safe).toBe(true);
      expect(said(after.tables, QUEUES)).toEqual(known);
      // Nothing is kept of who is in no queue, so nobody new comes into one.
      for (const given of later) {
        for (const { tables } of [before, after]) apply(tables, given, clock.now());
        expect(said(after.tables, QUEUES)).toEqual(said(before.tables, QUEUES));
      }
      await store.close();
    }),
    { numRuns: 500 },
  );
});
