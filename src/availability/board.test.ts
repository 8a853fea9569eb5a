import { describe, expect, test, vi } from "vitest";
import type { Override } from "../destinations/override-record.ts";
import { mondays } from "../destinations/test-schedule.ts";
import { agents } from "../presence/test-reader.ts";
import { log } from "../telemetry/log.ts";
import { atLeast, type Configured, startWorld } from "./test-world.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const closedAnswer = {
  accepted: false,
  source: "NONE",
  measured: undefined,
  agents: undefined,
  observedAt: undefined,
  validUntil: undefined,
};

// A test begins on a Monday at noon.
const CLOSING = mondays("09:00", "12:01");
const OPENING = mondays("12:01", "18:00");

/** A destination "a" that is watched actively, over a RingCentral that answers every read with one agent. */
async function watched(configured: Partial<Configured> = {}) {
  const world = startWorld();
  world.reader.always = (read) => read.answer(agents(1));
  world.configure("a", configured);
  const watch = world.watching();
  await world.clock.advance(0);
  return {
    ...world,
    watch,
    /** Sets an override on "a" that ends by itself, as Overrides would tell. */
    overrideFor(ms: number, given: Partial<Override> = {}) {
      const now = world.clock.now();
      world.override("a", { accepted: true, expiresAt: now + ms, note: "", setBy: "", setAt: now, ...given });
    },
  };
}

/** The reasons that a watcher was told, in order. */
function reasons({ watch }: Pick<Awaited<ReturnType<typeof watched>>, "watch">): string[] {
  return watch.events.flatMap((event) => (event.kind === "availability" ? [event.answer.reason] : []));
}

describe("the watched state, of several that hold, is", () => {
  const shut = { timeZone: "UTC", openingAt: () => ({ open: false, until: undefined }) };

  test.each<[string, Partial<Configured>, boolean, string]>([
    ["DESTINATION_DISABLED before all others", { disabled: true, invalid: "broken" }, true, "DESTINATION_DISABLED"],
    ["DESTINATION_DISABLED before hours", { disabled: true, schedule: shut }, false, "DESTINATION_DISABLED"],
    ["OVERRIDDEN before DESTINATION_INVALID", { invalid: "broken" }, true, "OVERRIDDEN"],
    ["OVERRIDDEN before OUTSIDE_HOURS", { schedule: shut }, true, "OVERRIDDEN"],
    ["DESTINATION_INVALID before presence", { invalid: "broken" }, false, "DESTINATION_INVALID"],
    ["OUTSIDE_HOURS before presence", { schedule: shut }, false, "OUTSIDE_HOURS"],
    ["of the presence when nothing else holds", {}, false, "CRITERIA_MET"],
  ])("%s", async (_, configured, overridden, reason) => {
    const { clock, state, overrideFor, check } = await watched(configured);
    if (overridden) overrideFor(MINUTE);
    await clock.advance(0);
    expect(state("a").reason).toBe(reason);
    expect(check("a").answer).toBe(state("a"));
  });

  test.each([
    [true, "ACCEPTED"],
    [false, "REJECTED"],
  ] as const)("as a person set it when accepted is %s", async (accepted, verdict) => {
    const { clock, state, overrideFor } = await watched();
    overrideFor(MINUTE, { accepted, note: "fire drill" });
    const retryAt = clock.now() + MINUTE;
    expect(state("a")).toMatchObject({ ...closedAnswer, accepted, verdict, reason: "OVERRIDDEN", retryAt });
    expect(state("a").message).toContain("fire drill");
  });
});

describe("hours", () => {
  test("end at their minute exactly, with the reads, for watchers, Checks and the state alike", async () => {
    const world = await watched({ schedule: CLOSING });
    const { clock, start, reader, state, check } = world;
    await clock.advance(MINUTE - 1);
    const { count } = reader;
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", accepted: true });
    expect(count).toBe(8); // every 8 s
    await clock.advance(1);
    const opensAgain = start - 12 * 60 * MINUTE + (7 * 24 + 9) * 60 * MINUTE;
    const shut = { ...closedAnswer, verdict: "REJECTED", reason: "OUTSIDE_HOURS", retryAt: opensAgain };
    expect(state("a")).toMatchObject(shut);
    expect(check("a", { maxAgeMs: 0 }).answer).toBe(state("a"));
    await clock.advance(60 * MINUTE);
    expect(reader.count).toBe(count);
    expect(reasons(world)).toEqual(["NOT_OBSERVED_YET", "CRITERIA_MET", "OUTSIDE_HOURS"]);
  });

  test("begin at their minute exactly, with a read", async () => {
    const world = await watched({ schedule: OPENING });
    const { clock, start, reader, state } = world;
    await clock.advance(MINUTE - 1);
    expect(state("a")).toMatchObject({ reason: "OUTSIDE_HOURS", retryAt: start + MINUTE });
    expect(reader.count).toBe(0);
    await clock.advance(1);
    expect(reader.sentAfter(start)).toEqual([MINUTE]);
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", observedAt: start + MINUTE });
    await clock.advance(8 * SECOND);
    expect(reader.count).toBe(2);
    expect(reasons(world).at(-1)).toBe("CRITERIA_MET");
  });

  test("that end answer whoever waits for a read then", async () => {
    const { clock, reader, check } = await watched({ schedule: CLOSING });
    await clock.advance(MINUTE - 1);
    reader.always = undefined;
    const asked = check("a", { maxAgeMs: 0 });
    expect(asked.answer).toBeUndefined();
    await clock.advance(1);
    reader.last.answer(agents(3));
    await clock.advance(0);
    expect(asked.answer).toMatchObject({ reason: "OUTSIDE_HOURS", accepted: false });
  });

  test("are each destination's own where a question is shared", async () => {
    const { clock, reader, configure, state, standing } = await watched({ schedule: CLOSING });
    configure("b");
    await clock.advance(2 * MINUTE);
    const { count } = reader;
    expect([state("a").reason, state("b").reason]).toEqual(["OUTSIDE_HOURS", "CRITERIA_MET"]);
    await clock.advance(8 * SECOND);
    expect(reader.count).toBe(count + 1);
    expect([standing("a").asking, standing("b").asking]).toEqual([false, true]);
  });

  test("that were moved by Configure hold at once", async () => {
    const { clock, configure, state, reader } = await watched();
    configure("a", { schedule: OPENING });
    expect(state("a")).toMatchObject({ reason: "OUTSIDE_HOURS", destinationRevision: 2n });
    configure("a", { schedule: CLOSING });
    await clock.advance(0);
    expect(state("a").reason).toBe("CRITERIA_MET");
    // What was read is still young.
    expect(reader.count).toBe(1);
  });
});

describe("an override", () => {
  test("leaves what is known as it was when it ends at once", async () => {
    const { clock, reader, state, check, override, overrideFor, standing } = await watched();
    const before = state("a");
    overrideFor(MINUTE, { accepted: false });
    override("a", undefined);
    await clock.advance(0);
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", observedAt: before.observedAt });
    expect(check("a", { maxWaitMs: 0 }).answer).toMatchObject({ reason: "CRITERIA_MET", source: "CACHE" });
    expect(standing("a").reads?.newest).toBeDefined();
    expect(reader.count).toBe(1);
  });

  test("begins at once, stops the reads, leaves the revision, and ends at once, with a read", async () => {
    const world = await watched();
    const { clock, reader, state, check, override, overrideFor } = world;
    const before = state("a");
    overrideFor(MINUTE, { accepted: false });
    const set = state("a");
    expect(set).toMatchObject({ reason: "OVERRIDDEN", accepted: false, destinationRevision: 1n });
    expect(set.version).toBeGreaterThan(before.version);
    expect(check("a", { maxAgeMs: 0 }).answer).toBe(set);
    await clock.advance(MINUTE - 1);
    expect(reader.count).toBe(1);
    override("a", undefined);
    await clock.advance(0);
    expect(reader.count).toBe(2);
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", destinationRevision: 1n });
    expect(state("a").version).toBeGreaterThan(set.version);
    const told = reasons(world);
    expect(told.slice(0, 3)).toEqual(["NOT_OBSERVED_YET", "CRITERIA_MET", "OVERRIDDEN"]);
    expect(told.at(-1)).toBe("CRITERIA_MET");
  });

  test("that is replaced is another state", async () => {
    const { state, overrideFor } = await watched();
    overrideFor(MINUTE, { accepted: true });
    const { version } = state("a");
    overrideFor(2 * MINUTE, { accepted: true });
    expect(state("a").version).toBe(version); // retry_at alone is no change
    overrideFor(MINUTE, { accepted: false });
    expect(state("a")).toMatchObject({ accepted: false, verdict: "REJECTED" });
    expect(state("a").version).toBeGreaterThan(version);
  });

  test("that ends outside hours leaves the destination closed until they begin", async () => {
    const { clock, reader, state, override, overrideFor } = await watched({ schedule: OPENING });
    overrideFor(MINUTE);
    expect(state("a")).toMatchObject({ reason: "OVERRIDDEN", accepted: true });
    override("a", undefined);
    expect(state("a").reason).toBe("OUTSIDE_HOURS");
    await clock.advance(MINUTE);
    expect(state("a").reason).toBe("CRITERIA_MET");
    expect(reader.count).toBe(1);
  });

  test("outlasts hours that begin and end under it", async () => {
    const { clock, reader, state, override, overrideFor } = await watched({ schedule: mondays("12:01", "12:02") });
    overrideFor(10 * MINUTE);
    await clock.advance(90 * SECOND);
    expect(state("a").reason).toBe("OVERRIDDEN");
    override("a", undefined);
    await clock.advance(0);
    expect(state("a").reason).toBe("CRITERIA_MET");
    await clock.advance(30 * SECOND);
    expect(state("a").reason).toBe("OUTSIDE_HOURS");
    const { count } = reader;
    overrideFor(MINUTE);
    await clock.advance(MINUTE);
    expect(reader.count).toBe(count);
  });

  test("is kept by Configure, and answers whoever waits for a read when it begins", async () => {
    const { clock, reader, state, check, configure, overrideFor } = await watched();
    reader.always = undefined;
    const asked = check("a", { maxAgeMs: 0 });
    await clock.advance(1);
    overrideFor(MINUTE);
    configure("a", { criteria: atLeast(3) });
    reader.last.answer(agents(1));
    await clock.advance(0);
    expect(asked.answer).toMatchObject({ reason: "OVERRIDDEN", destinationRevision: 2n });
    expect(state("a").reason).toBe("OVERRIDDEN");
  });
});

describe("the last known verdict", () => {
  /** Closes "a" for `ms`, during which RingCentral breaks down. */
  async function closed(ms: number, configure: (world: Awaited<ReturnType<typeof watched>>) => void = () => {}) {
    const world = await watched();
    world.reader.always = (read) => read.fail("UPSTREAM_UNAVAILABLE");
    world.overrideFor(MINUTE, { accepted: false });
    await world.clock.advance(ms / 2);
    configure(world);
    await world.clock.advance(ms / 2);
    world.override("a", undefined);
    await world.clock.advance(0);
    return world;
  }

  test("outlives an override while it is usable", async () => {
    const { start, clock, state } = await closed(20 * SECOND);
    const known = { reason: "UPSTREAM_UNAVAILABLE", source: "LAST_KNOWN", accepted: true, observedAt: start };
    expect(state("a")).toMatchObject(known);
    await clock.advance(10 * SECOND + 1);
    expect(state("a")).toMatchObject({ source: "NONE", accepted: false });
  });

  test("is taken again with the criteria that were configured meanwhile", async () => {
    const { state } = await closed(20 * SECOND, ({ configure }) => configure("a", { criteria: atLeast(2) }));
    expect(state("a")).toMatchObject({ source: "LAST_KNOWN", accepted: false, measured: 1, destinationRevision: 2n });
  });

  test("is forgotten when another question was configured meanwhile", async () => {
    const { state } = await closed(20 * SECOND, ({ configure }) => configure("a", { queueId: "2" }));
    expect(state("a")).toMatchObject({ reason: "UPSTREAM_UNAVAILABLE", source: "NONE", accepted: false });
  });

  test("still proves under ACCEPT, after an override, that the destination once worked", async () => {
    const world = await watched({ failure: { onUndecided: "ACCEPT", lastKnownLimitMs: SECOND } });
    const { clock, reader, state, override, overrideFor } = world;
    reader.always = (read) => read.fail("UPSTREAM_UNAVAILABLE");
    overrideFor(10 * MINUTE, { accepted: false });
    await clock.advance(5 * MINUTE);
    override("a", undefined);
    await clock.advance(0);
    expect(state("a")).toMatchObject({ reason: "UPSTREAM_UNAVAILABLE", source: "NONE", accepted: true });
  });
});

test("put() tells of a new destination once, as it is by what is known of its queue", async () => {
  const { hub, configure, state } = await watched();
  const before = hub.position;
  const told = vi.spyOn(log, "info");
  configure("b");
  expect(state("b").reason).toBe("CRITERIA_MET");
  expect([hub.position - before, told.mock.calls]).toEqual([1, []]);
  told.mockRestore();
});

describe("close() leaves nothing on the clock", () => {
  test.each<[string, Partial<Configured>, boolean]>([
    ["open", { schedule: CLOSING }, false],
    ["closed", { schedule: OPENING }, false],
    ["overridden", { schedule: CLOSING }, true],
  ])("when the destination is %s", async (_, configured, overridden) => {
    const { clock, watch, overrideFor, close } = await watched(configured);
    if (overridden) overrideFor(MINUTE);
    watch.end();
    await clock.advance(0);
    close();
    await clock.advance(0);
    expect(clock.pending).toBe(0);
  });

  test.each([["open", CLOSING] as const, ["closed", OPENING] as const])(
    "nor does remove() when the destination is %s",
    async (_, schedule) => {
      const { clock, watch, remove } = await watched({ schedule });
      watch.end();
      await clock.advance(0);
      remove("a");
      await clock.advance(0);
      expect(clock.pending).toBe(0);
    },
  );
});
