import fc from "fast-check";
import { expect, test } from "vitest";
import { TestClock } from "../lib/test-clock.ts";
import type { HistoryStore } from "../stores/history.ts";
import { openHistoryInMemory } from "../stores/open-history.ts";
import { historyWorld, stateOf } from "./test-history.ts";

// Whatever changed, was removed, was written, failed or was restarted, under a clock that may be set back by a restart:
// all pages together are what the model says, in the order of versions.

interface Happened {
  readonly destinationId: string;
  readonly version: bigint;
  readonly time: number;
  readonly removed: boolean;
}

const T = Date.UTC(2026, 0, 5, 10, 41);
const destination = fc.constantFrom("sales", "support");
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("change" as const), destination }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove" as const), destination }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 3000 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const), failing: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("restart" as const), ms: fc.integer({ min: -5000, max: 5000 }) }),
  },
);
const query = fc.record({
  destinationId: destination,
  start: fc.option(fc.integer({ min: -3000, max: 20_000 })),
  length: fc.option(fc.nat(20_000)),
  size: fc.integer({ min: 1, max: 7 }),
});

test("list() gives, page by page, what was in force at the start and every change of the range in order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      query,
      async (steps, { destinationId, start, length, size }) => {
        const { history, happened } = await live(steps);
        const startMs = start === null ? Number.NEGATIVE_INFINITY : T + start;
        const endMs = length === null ? Number.POSITIVE_INFINITY : T + (start ?? 0) + length;
        const found: bigint[] = [];
        let after: bigint | undefined;
        do {
          const page = await history.list({ destinationId, startMs, endMs, size, after });
          expect(page.changes.length).toBeLessThanOrEqual(size);
          if (page.next !== undefined) expect(page.changes).toHaveLength(size);
          found.push(...page.changes.map(({ version }) => version));
          after = page.next;
        } while (after !== undefined);
        expect(found).toEqual(expected(happened, { destinationId, startMs, endMs }));
      },
    ),
    { numRuns: 300 },
  );
});

/** Lives through the steps; answers the history at their end and what happened. */
async function live(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) {
  const store = openHistoryInMemory();
  const lasting: HistoryStore = { ...store, close: async () => {} };
  const happened: Happened[] = [];
  let version = 0n;
  let world = historyWorld({ clock: new TestClock(T), store: lasting });
  for (const step of steps) {
    if (step.kind === "wait") await world.clock.advance(step.ms);
    else if (step.kind === "fail") world.failing = step.failing ? new Error("no") : undefined;
    else if (step.kind === "restart") {
      world.failing = undefined;
      await world.history.close();
      world = historyWorld({ clock: new TestClock(world.clock.now() + step.ms), store: lasting });
    } else {
      const [time, removed] = [world.clock.now(), step.kind === "remove"];
      happened.push({ destinationId: step.destination, version: ++version, time, removed });
      if (removed) world.history.removed(step.destination, version, time);
      else world.history.changed(stateOf(version, { destinationId: step.destination }), time);
    }
  }
  return { history: world.history, happened };
}

function expected(
  happened: readonly Happened[],
  { destinationId, startMs, endMs }: { destinationId: string; startMs: number; endMs: number },
): bigint[] {
  const own = happened.filter((event) => event.destinationId === destinationId);
  const inRange = own.filter(({ time, removed }) => !removed && time >= startMs && time < endMs);
  const first = inRange[0];
  const before = own.filter(({ time, version }) => time < startMs && (!first || version < first.version)).at(-1);
  return [...(before && !before.removed ? [before] : []), ...inRange].map(({ version }) => version);
}

test("list() counts every check once, whatever was written, failed or restarted", async () => {
  const happening = fc.oneof(
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("check" as const), destination, accepted: fc.boolean() }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 50_000 }) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("fail" as const), failing: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (steps) => {
      const lasting: HistoryStore = { ...openHistoryInMemory(), close: async () => {} };
      const model = new Map<string, number>();
      let world = historyWorld({ clock: new TestClock(T + 7), store: lasting });
      for (const step of steps) {
        if (step.kind === "wait") await world.clock.advance(step.ms);
        // Not for so long that minutes are dropped.
        else if (step.kind === "fail") world.failing = step.failing ? new Error("no") : undefined;
        else if (step.kind === "restart") {
          world.failing = undefined;
          await world.history.close();
          world = historyWorld({ clock: world.clock, store: lasting });
        } else {
          world.failing = undefined;
          const reason = step.accepted ? "CRITERIA_MET" : "NOT_IN_TIME";
          world.history.checked({ destinationId: step.destination, reason, accepted: step.accepted });
          const key = `${step.destination} ${Math.floor(world.clock.now() / 60_000)} ${reason}`;
          model.set(key, (model.get(key) ?? 0) + 1);
        }
      }
      const found = new Map<string, number>();
      for (const destinationId of ["sales", "support"]) {
        const bounds = { startMs: Number.NEGATIVE_INFINITY, endMs: Number.POSITIVE_INFINITY };
        const { counts } = await world.history.list({ destinationId, ...bounds, size: 1, after: undefined });
        for (const { minute, reason, count, accepted } of counts) {
          found.set(`${destinationId} ${minute / 60_000} ${reason}`, count);
          expect(accepted).toBe(reason === "CRITERIA_MET" ? count : 0);
        }
      }
      expect(found).toEqual(model);
    }),
    { numRuns: 200 },
  );
});
