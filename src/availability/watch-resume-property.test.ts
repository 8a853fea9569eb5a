import fc from "fast-check";
import { expect, test } from "vitest";
import { settle } from "../lib/test-clock.ts";
import { agents } from "../presence/test-reader.ts";
import { IDS, selected } from "./test-watch.ts";
import { type Configured, EVERYTHING, startWorld } from "./test-world.ts";
import type { WatchQuery } from "./watch.ts";
import type { WatchEvent } from "./watch-event.ts";

// Whatever happens to the destinations and wherever the stream is cut: a client that applies events and comes back with
// its token, or with an older one, ends with the truth, and no destination's version ever goes back.

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

type World = ReturnType<typeof startWorld>;

const act = fc.record({
  id: fc.constantFrom(...IDS),
  change: fc.constantFrom<Partial<Configured> | "remove" | "read">(
    { disabled: false },
    { disabled: true },
    { labels: { on: "1" } },
    { labels: { on: "2" } },
    { labels: {} },
    "remove",
    "remove",
    "read",
  ),
});
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("act" as const), act }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("take" as const), events: fc.integer({ min: 1, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(SECOND, 40 * SECOND) }) },
  // The stream is cut, and the client comes back when some things have happened, soon or late.
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("away" as const),
      acts: fc.array(act, { maxLength: 3 }),
      ms: fc.constantFrom(0, 0, 20 * SECOND, HOUR, HOUR + 1),
    }),
  },
  // It comes back with what it had saved some tokens ago, as a client that crashed.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("crash" as const), back: fc.nat(3) }) },
  // It comes back with an older token than its newest.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reuse" as const), back: fc.nat(3) }) },
);
const sets = fc.constantFrom<Partial<WatchQuery>>({}, { destinationIds: ["a", "b"] }, { selector: { on: "1" } });

test("a client that resumes ends with the truth and never goes back in version", async () => {
  let resumed = 0;
  let resyncs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40, size: "max" }),
      sets,
      fc.boolean(),
      async (steps, query, passive) => {
        const world = startWorld();
        world.reader.always = (read) => read.answer(agents(world.reader.count % 3, 1));
        for (const id of IDS) world.configure(id, { labels: id === "a" ? { on: "1" } : {} });
        const client = resumingClient(world, { ...query, passive });
        for (const it of steps) {
          if (it.kind === "act") client.perform(it.act);
          else if (it.kind === "wait") await world.clock.advance(it.ms);
          else if (it.kind === "away") {
            await client.cut();
            for (const act of it.acts) client.perform(act);
            await world.clock.advance(it.ms);
          } else if (it.kind === "crash") await client.crash(it.back);
          else if (it.kind === "reuse") await client.reuse(it.back);
          else if (it.kind === "take") for (let event = 0; event < it.events; event++) await client.take();
        }
        world.reader.always = (read) => read.answer(agents(1, 1));
        await client.drain();
        for (const id of IDS) expect(client.held.get(id)).toBe(selected(world, query, id));
        await client.cut();
        expect(await client.take()).toBe("synced");
        await client.drain();
        for (const id of IDS) expect(client.held.get(id)).toBe(selected(world, query, id));
        resumed += client.resumed;
        resyncs += client.resyncs;
        await client.leave();
        world.close();
        expect(world.clock.pending).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
  // The steps do reach both ways of coming back.
  expect(resumed).toBeGreaterThan(100);
  expect(resyncs).toBeGreaterThan(0);
});

type Act = typeof act extends fc.Arbitrary<infer Made> ? Made : never;

/** A client that takes events when it is told to, applies them, keeps its tokens, and judges all that it is sent. */
function resumingClient(world: World, query: Partial<WatchQuery>) {
  let stream: ReturnType<World["watch"]> | undefined;
  let token = "";
  let held = new Map<string, bigint>();
  const highest = new Map<string, bigint>();
  const saved: { token: string; held: ReadonlyMap<string, bigint> }[] = [];
  const removals: { position: number; at: number }[] = [];
  /** The destinations told of before synced; undefined after it. */
  let initial: Set<string> | undefined;
  const client = {
    resumed: 0,
    resyncs: 0,
    get held(): ReadonlyMap<string, bigint> {
      return held;
    },

    perform({ id, change }: Act): void {
      if (change === "read") world.check(id, { maxAgeMs: 0 });
      else if (change !== "remove") world.configure(id, change);
      else if (world.board.get(id)) {
        world.remove(id);
        removals.push({ position: world.hub.position, at: world.clock.now() });
      }
    },

    async take(): Promise<WatchEvent["kind"]> {
      stream ??= open();
      let next: Awaited<ReturnType<typeof stream.next>> | undefined;
      void stream.next().then((taken) => {
        next = taken;
      });
      await settle();
      // Nothing to tell: a heartbeat then.
      if (!next) await world.clock.advance(15 * SECOND);
      const { event, resumeToken } = next!.value!;
      apply(event);
      expect(resumeToken === "").toBe(initial !== undefined);
      if (resumeToken !== "" && resumeToken !== token) saved.push({ token: resumeToken, held: new Map(held) });
      token = resumeToken || token;
      return event.kind;
    },

    /**
     * Takes until nothing has changed for longer than any state takes to become too old: a Check keeps it in demand for a
     * minute, and three read intervals later it is.
     */
    async drain(): Promise<void> {
      for (let quiet = 0; quiet < 8; ) quiet = (await client.take()) === "heartbeat" ? quiet + 1 : 0;
    },

    async cut(): Promise<void> {
      await stream?.return(undefined);
      stream = undefined;
    },

    async crash(back: number): Promise<void> {
      await client.cut();
      saved.length = Math.max(0, saved.length - back);
      const then = saved.at(-1) ?? { token: "", held: new Map() };
      token = then.token;
      held = new Map(then.held);
    },

    async reuse(back: number): Promise<void> {
      await client.cut();
      token = saved.at(-1 - back)?.token ?? "";
    },

    leave: () => client.cut(),
  };
  return client;

  function open(): ReturnType<World["watch"]> {
    if (token === "") held.clear();
    initial = new Set();
    return world.watch({ ...EVERYTHING, ...query, resumeToken: token }, new AbortController().signal);
  }

  function apply(event: WatchEvent): void {
    if (event.kind === "resync") {
      expect(initial?.size).toBe(0);
      // Only when it can no longer be told what went.
      const position = Number.parseInt(token.split(".")[1]!, 36);
      const { clock } = world;
      expect(removals.some((it) => it.position > position && clock.now() - it.at > HOUR)).toBe(true);
      client.resyncs++;
      held.clear();
      token = "";
    } else if (event.kind === "availability") {
      told(event.answer.destinationId, event.answer.version);
      held.set(event.answer.destinationId, event.answer.version);
    } else if (event.kind === "removed") {
      told(event.destinationId, event.version);
      held.delete(event.destinationId);
    } else if (event.kind === "unknown") {
      told(event.destinationId, highest.get(event.destinationId) ?? 0n);
      held.delete(event.destinationId);
    } else if (event.kind === "synced") {
      if (token !== "") client.resumed++;
      initial = undefined;
    } else {
      for (const { destinationId, version } of event.confirmed) expect(held.get(destinationId)).toBe(version);
    }
  }

  function told(destinationId: string, version: bigint): void {
    expect(version >= (highest.get(destinationId) ?? 0n)).toBe(true);
    highest.set(destinationId, version);
    if (!initial) return;
    expect(initial.has(destinationId)).toBe(false);
    initial.add(destinationId);
  }
}
