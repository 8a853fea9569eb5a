import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { settle } from "../lib/test-clock.ts";
import { agents } from "../presence/test-reader.ts";
import { IDS, selected, short } from "./test-watch.ts";
import { type Configured, EVERYTHING, startWorld, type TestWatch } from "./test-world.ts";
import type { WatchQuery } from "./watch.ts";
import type { WatchEvent } from "./watch-event.ts";

const SECOND = 1_000;

/** What came since the last look. */
function news(watched: TestWatch): string[] {
  return short(watched.events.splice(0));
}

/** A world in which the reader's newest read finds so many agents who accept. */
async function finds(world: ReturnType<typeof startWorld>, accepting: number): Promise<void> {
  world.reader.last.answer(agents(accepting, 1));
  await world.clock.advance(0);
}

describe("watch()", () => {
  test("sends each state, synced, and then what changes", async () => {
    const world = startWorld();
    world.configure("a");
    world.configure("b", { disabled: true });
    const watched = world.watching();
    await world.clock.advance(0);
    expect(news(watched)).toEqual(["availability a NOT_OBSERVED_YET", "availability b DESTINATION_DISABLED", "synced"]);
    await finds(world, 2);
    expect(news(watched)).toEqual(["availability a CRITERIA_MET"]);
    await world.clock.advance(8 * SECOND);
    await finds(world, 0);
    expect(news(watched)).toEqual(["availability a CRITERIA_NOT_MET"]);
    world.configure("c", { queueId: "3" });
    await settle();
    expect(news(watched)).toEqual(["availability c NOT_OBSERVED_YET"]);
    world.remove("b");
    await settle();
    expect(news(watched)).toEqual(["removed b"]);
  });

  test("sends resync first when a token is given that cannot be honoured", async () => {
    const { clock, configure, watching } = startWorld();
    configure("a");
    const watched = watching({ resumeToken: "elsewhere.1.abc" });
    await clock.advance(0);
    expect(short(watched.events)).toEqual(["resync", "availability a NOT_OBSERVED_YET", "synced"]);
    expect(watched.events.map(({ resumeToken }) => resumeToken !== "")).toEqual([false, false, true]);
  });

  test("sends unknown for an id without a destination, its state when it comes, removed when it goes", async () => {
    const { clock, configure, remove, board, watching } = startWorld();
    configure("other");
    const watched = watching({ destinationIds: ["a"] });
    await clock.advance(0);
    expect(news(watched)).toEqual(["unknown a", "synced"]);
    configure("a");
    await settle();
    expect(news(watched)).toEqual(["availability a NOT_OBSERVED_YET"]);
    remove("a");
    remove("other");
    await settle();
    expect(watched.events).toMatchObject([{ kind: "removed", destinationId: "a", version: board.removedVersion("a") }]);
    expect(board.removedVersion("a")).toBeGreaterThan(0n);
  });

  test("sends one state when an id is watched twice in one call", async () => {
    const { clock, configure, watching } = startWorld();
    configure("a");
    const watched = watching({ destinationIds: ["a", "a"] });
    await clock.advance(0);
    expect(news(watched)).toEqual(["availability a NOT_OBSERVED_YET", "synced"]);
  });

  test("sends nothing when a read finds the same", async () => {
    const world = startWorld();
    world.configure("a");
    const watched = world.watching({ heartbeatMs: 60 * SECOND });
    await world.clock.advance(0);
    await finds(world, 2);
    news(watched);
    await world.clock.advance(8 * SECOND);
    await finds(world, 2);
    expect(news(watched)).toEqual([]);
  });

  test("sends UNDECIDED when the source fails", async () => {
    const world = startWorld();
    world.configure("a");
    const watched = world.watching();
    await world.clock.advance(0);
    world.reader.last.fail("UPSTREAM_NOT_FOUND");
    await settle();
    expect(news(watched)).toContain("availability a UPSTREAM_NOT_FOUND");
  });

  test("follows the labels under a selector: what gets them comes, what loses them is removed", async () => {
    const { clock, configure, remove, watching, state } = startWorld();
    configure("a", { labels: { team: "sales", site: "x" } });
    configure("b", { labels: { team: "care" } });
    const watched = watching({ selector: { team: "sales" } });
    await clock.advance(0);
    expect(news(watched)).toEqual(["availability a NOT_OBSERVED_YET", "synced"]);
    configure("b", { labels: { team: "sales" } });
    await settle();
    expect(news(watched)).toEqual(["availability b NOT_OBSERVED_YET"]);
    configure("b", { labels: {} });
    await settle();
    expect(watched.events).toMatchObject([{ kind: "removed", destinationId: "b", version: state("b").version }]);
    news(watched);
    remove("b");
    configure("c", { labels: { team: "care" } });
    await settle();
    expect(news(watched)).toEqual([]);
  });

  test("gives two watchers of a destination the same object, and each what it has not seen", async () => {
    const world = startWorld();
    world.configure("a");
    const early = world.watching();
    await world.clock.advance(0);
    await finds(world, 1);
    const late = world.watching();
    await world.clock.advance(0);
    expect(news(late)).toEqual(["availability a CRITERIA_MET", "synced"]);
    news(early);
    await world.clock.advance(8 * SECOND);
    await finds(world, 0);
    const [one, other] = [early.events.at(-1), late.events.at(-1)];
    expect(one?.kind === "availability" && one.answer).toBe(other?.kind === "availability" && other.answer);
    expect(world.reader.count).toBe(2);
  });

  test("loses no change that comes while the initial state is sent", async () => {
    const world = startWorld();
    for (const id of ["a", "b", "c"]) world.configure(id, { queueId: id.charCodeAt(0).toString() });
    const stream = world.watch({ ...EVERYTHING, passive: true }, new AbortController().signal);
    const take = async () => (await stream.next()).value!.event;
    const events = [await take()]; // a
    world.configure("a", { disabled: true });
    world.configure("c", { disabled: true });
    world.remove("b");
    world.configure("d");
    for (let event = 0; event < 4; event++) events.push(await take());
    expect(short(events)).toEqual([
      "availability a NOT_OBSERVED_YET",
      "availability c DESTINATION_DISABLED",
      "synced",
      "availability a DESTINATION_DISABLED",
      "availability d NOT_OBSERVED_YET",
    ]);
    await stream.return(undefined);
  });
});

describe("heartbeats", () => {
  test("come every interval, whatever else is sent, with the server's time", async () => {
    const world = startWorld();
    world.configure("a", { maxAgeMs: SECOND });
    world.reader.always = (read) => read.answer(agents(world.reader.count % 2, 1));
    const watched = world.watching({ heartbeatMs: 5 * SECOND });
    await world.clock.advance(16 * SECOND);
    const beats = watched.events.filter((event) => event.kind === "heartbeat");
    expect(beats.map(({ serverTime }) => serverTime - world.start)).toEqual([5_000, 10_000, 15_000]);
    expect(beats.every(({ upToDate }) => upToDate)).toBe(true);
    expect(watched.events.length).toBeGreaterThan(10);
  });

  test("carry the freshness of what was read again without a change since the last one", async () => {
    const world = startWorld();
    for (const id of ["a", "b"]) world.configure(id, { queueId: id.charCodeAt(0).toString() });
    world.reader.always = (read) => read.answer(agents(1));
    const watched = world.watching({ heartbeatMs: 9 * SECOND, destinationIds: ["a", "none"] });
    await world.clock.advance(9 * SECOND);
    const { version } = world.state("a");
    const read = { observedAt: world.start + 8_000, validUntil: world.start + 18_000 };
    expect(watched.events.at(-1)).toMatchObject({
      kind: "heartbeat",
      confirmed: [{ destinationId: "a", version, ...read }],
    });
    world.reader.always = undefined;
    await world.clock.advance(9 * SECOND);
    expect(watched.events.at(-1)).toMatchObject({ kind: "heartbeat", confirmed: [] });
  });

  test("carry nothing that the selector does not select", async () => {
    const world = startWorld();
    world.configure("a", { labels: { team: "sales" } });
    world.configure("b");
    world.reader.always = (read) => read.answer(agents(1));
    const watched = world.watching({ heartbeatMs: 9 * SECOND, selector: { team: "sales" } });
    await world.clock.advance(9 * SECOND);
    const beat = watched.events.at(-1);
    const ids = beat?.kind === "heartbeat" && beat.confirmed.map(({ destinationId }) => destinationId);
    expect(ids).toEqual(["a"]);
  });

  test("carry nothing that the selector selects no more", async () => {
    const world = startWorld();
    world.configure("a", { labels: { team: "sales" } });
    world.reader.always = (read) => read.answer(agents(1));
    const watched = world.watching({ heartbeatMs: 9 * SECOND, selector: { team: "sales" } });
    await world.clock.advance(8 * SECOND);
    world.configure("a", { labels: {} });
    await world.clock.advance(SECOND);
    expect(watched.events.at(-2)).toMatchObject({ kind: "removed" });
    expect(watched.events.at(-1)).toMatchObject({ kind: "heartbeat", confirmed: [] });
  });

  test("confirm nothing that the client has not been sent", async () => {
    const world = startWorld();
    world.configure("a");
    const stream = world.watch({ ...EVERYTHING, heartbeatMs: 9 * SECOND }, new AbortController().signal);
    const take = async () => (await stream.next()).value!.event;
    expect(short([await take(), await take()])).toEqual(["availability a NOT_OBSERVED_YET", "synced"]);
    world.reader.always = (read) => read.answer(agents(1));
    await world.clock.advance(0);
    world.reader.last.answer(agents(1)); // a change that is not taken
    await world.clock.advance(9 * SECOND); // and a read that confirms it
    expect(await take()).toMatchObject({ kind: "heartbeat", confirmed: [], upToDate: false });
    expect(short([await take()])).toEqual(["availability a CRITERIA_MET"]);
    await stream.return(undefined);
  });
});

describe("resume_token", () => {
  test("is empty until synced, and then never", async () => {
    const world = startWorld();
    world.configure("a");
    const watched = world.watching();
    await world.clock.advance(16 * SECOND);
    const kinds = watched.events.map(({ kind, resumeToken }) => [kind, resumeToken !== ""]);
    expect(kinds.slice(0, 2)).toEqual([
      ["availability", false],
      ["synced", true],
    ]);
    expect(kinds.slice(2).every(([, given]) => given)).toBe(true);
    expect(kinds.at(-1)?.[0]).toBe("heartbeat");
  });

  test("names the server's life and the watched set", async () => {
    const { clock, configure, watching } = startWorld();
    const elsewhere = startWorld();
    configure("a");
    const token = async (of: { watching: typeof watching; clock: typeof clock }, query: Partial<WatchQuery>) => {
      const watched = of.watching(query);
      await of.clock.advance(0);
      return watched.events.at(-1)?.resumeToken;
    };
    const one = await token({ watching, clock }, { destinationIds: ["a", "b"] });
    expect(await token({ watching, clock }, { destinationIds: ["b", "a"] })).toBe(one);
    expect(await token({ watching, clock }, { destinationIds: ["a"] })).not.toBe(one);
    expect(await token({ watching, clock }, { selector: { a: "b" } })).not.toBe(one);
    elsewhere.configure("a");
    expect(await token(elsewhere, { destinationIds: ["a", "b"] })).not.toBe(one);
  });
});

describe("demand", () => {
  test("of active watchers has what they watch read, once for all of them, until the last one ends", async () => {
    const world = startWorld();
    world.configure("a");
    world.configure("b", { queueId: "2" });
    world.reader.always = (read) => read.answer(agents(1));
    const watchers = [world.watching({ destinationIds: ["a"] }), world.watching({ destinationIds: ["a"] })];
    await world.clock.advance(8 * SECOND);
    expect(world.reader.sentAfter(world.start)).toEqual([0, 8_000]);
    watchers[0]?.end();
    await world.clock.advance(8 * SECOND);
    expect(world.reader.count).toBe(3);
    watchers[1]?.end();
    await world.clock.advance(60 * SECOND);
    expect(world.reader.count).toBe(3);
    expect(world.reader.reads.every(({ queueId }) => queueId === "1")).toBe(true);
  });

  test("begins and ends with the labels under a selector, and for what is configured later", async () => {
    const { clock, reader, configure, watching } = startWorld();
    reader.always = (read) => read.answer(agents(1));
    watching({ selector: { team: "sales" } });
    await clock.advance(0);
    configure("a");
    await clock.advance(20 * SECOND);
    expect(reader.count).toBe(0);
    configure("a", { labels: { team: "sales" } });
    await clock.advance(8 * SECOND);
    expect(reader.count).toBe(2);
    configure("a", { labels: {} });
    await clock.advance(60 * SECOND);
    expect(reader.count).toBe(2);
  });

  test("goes with the destination when it is turned to another queue, disabled and enabled again", async () => {
    const { clock, reader, configure, watching } = startWorld();
    reader.always = (read) => read.answer(agents(1));
    configure("a");
    watching();
    await clock.advance(0);
    configure("a", { queueId: "2" });
    await clock.advance(8 * SECOND);
    expect(reader.reads.map(({ queueId }) => queueId)).toEqual(["1", "2", "2"]);
    configure("a", { disabled: true });
    await clock.advance(60 * SECOND);
    expect(reader.count).toBe(3);
    configure("a", { disabled: false });
    await clock.advance(0);
    expect(reader.count).toBe(4);
  });

  test("is none of passive watchers, who see what others cause", async () => {
    const world = startWorld();
    world.configure("a");
    const passive = world.watching({ passive: true });
    await world.clock.advance(60 * SECOND);
    expect(world.reader.count).toBe(0);
    news(passive);
    world.check("a", { maxWaitMs: 0 });
    await world.clock.advance(0);
    await finds(world, 1);
    expect(news(passive)).toEqual(["availability a CRITERIA_MET"]);
  });
});

describe("the end of a watch", () => {
  test("by abort leaves nothing running and no listener", async () => {
    const world = startWorld();
    world.configure("a");
    const ending = new AbortController();
    const { signal } = ending;
    const listeners = () => getEventListeners(signal, "abort").length;
    const stream = world.watch(EVERYTHING, signal);
    await stream.next();
    await stream.next();
    const parked = stream.next();
    await world.clock.advance(0);
    // Its heartbeat, the read that it caused, and the moment push is told what to carry.
    expect([listeners(), world.clock.pending]).toEqual([1, 3]);
    world.reader.last.fail("UPSTREAM_TIMEOUT");
    expect((await parked).value?.event.kind).toBe("availability");
    const last = stream.next();
    ending.abort();
    expect(await last).toEqual({ done: true, value: undefined });
    expect([listeners(), world.clock.pending]).toEqual([0, 1]);
    const { position } = world.hub;
    world.configure("a", { disabled: true });
    expect(world.hub.position).toBeGreaterThan(position);
  });

  test("by return() in the middle of the initial state leaves nothing running", async () => {
    const { clock, configure, watch } = startWorld();
    configure("a");
    configure("b");
    const stream = watch(EVERYTHING, new AbortController().signal);
    await stream.next();
    await stream.return(undefined);
    expect(clock.pending).toBe(1); // the moment push is told what to carry
    await clock.advance(1_000 * SECOND);
    expect(clock.pending).toBe(0);
  });

  test("comes at once when the caller was gone before it began", async () => {
    const { clock, watching } = startWorld();
    const watched = watching();
    watched.end();
    await clock.advance(0);
    expect(watched.ended).toBe(true);
    expect(clock.pending).toBe(0);
  });
});

describe("a slow reader", () => {
  test("gets the newest state once, after many changes, and its heartbeat once", async () => {
    const world = startWorld();
    world.configure("a");
    const stream = world.watch({ ...EVERYTHING, passive: true }, new AbortController().signal);
    await stream.next();
    await stream.next();
    for (let change = 0; change < 1_000; change++) world.configure("a", { disabled: change % 2 === 0 });
    await world.clock.advance(100 * SECOND);
    const events = [(await stream.next()).value!.event, (await stream.next()).value!.event];
    expect(short(events)).toEqual(["heartbeat", "availability a NOT_OBSERVED_YET"]);
    expect(events[1]).toMatchObject({ answer: { destinationRevision: 1_001n } });
    await stream.return(undefined);
  });

  test("ends with the truth, versions rising and no token ahead of what was sent, at any pace", async () => {
    const act = fc.record({
      id: fc.constantFrom(...IDS),
      change: fc.constantFrom<Partial<Configured> | "remove">(
        { disabled: false },
        { disabled: true },
        { labels: { on: "1" } },
        { labels: {} },
        "remove",
      ),
    });
    // How many acts happen, and then how many events the client takes.
    const rounds = fc.array(fc.tuple(fc.array(act, { maxLength: 6 }), fc.nat(4)), { maxLength: 12 });
    const sets = fc.constantFrom<Partial<WatchQuery>>({}, { destinationIds: ["a", "b"] }, { selector: { on: "1" } });
    await fc.assert(
      fc.asyncProperty(rounds, sets, async (pace, query) => {
        const world = startWorld();
        for (const id of IDS) world.configure(id, { labels: id === "a" ? { on: "1" } : {} });
        const client = slowClient(world, query);
        for (const [acts, events] of pace) {
          for (const { id, change } of acts) {
            if (change === "remove") world.remove(id);
            else world.configure(id, change);
          }
          for (let event = 0; event < events; event++) await client.take();
        }
        while ((await client.take()) !== "heartbeat" || (await client.take()) !== "heartbeat");
        for (const id of IDS) expect(client.held.get(id)).toBe(selected(world, query, id));
        await client.leave();
        world.close();
        expect(world.clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

/** A client that takes an event when it is told to, keeps what it holds, and judges every version and token. */
function slowClient(world: ReturnType<typeof startWorld>, query: Partial<WatchQuery>) {
  const changes: { position: number; id: string }[] = [];
  world.hub.subscribe(
    { changed: (id, position) => changes.push({ position, id }), confirmed: () => {} },
    { selector: {} },
  );
  const stream = world.watch({ ...EVERYTHING, ...query, passive: true }, new AbortController().signal);
  const held = new Map<string, bigint>();
  const highest = new Map<string, bigint>();
  /** Up to which position the client is known to have missed nothing of a destination. */
  const inStep = new Map<string, number>();

  return {
    held,
    async take(): Promise<WatchEvent["kind"]> {
      const next = stream.next();
      // Long enough for a heartbeat, should nothing else come.
      await world.clock.advance(15 * SECOND);
      const { event, resumeToken } = (await next).value!;
      if (event.kind === "availability") hold(event.answer.destinationId, event.answer.version);
      if (event.kind === "removed") hold(event.destinationId, event.version);
      if (event.kind === "removed") held.delete(event.destinationId);
      const [, position] = resumeToken.split(".");
      for (const id of IDS) {
        if (held.get(id) === selected(world, query, id)) inStep.set(id, world.hub.position);
        const missed = changes.find((change) => change.id === id && change.position > (inStep.get(id) ?? 0));
        if (position && missed) expect(Number.parseInt(position, 36)).toBeLessThan(missed.position);
      }
      return event.kind;
    },
    leave: () => stream.return(undefined),
  };

  function hold(id: string, version: bigint): void {
    expect(version >= (highest.get(id) ?? 0n)).toBe(true);
    highest.set(id, version);
    held.set(id, version);
  }
}
