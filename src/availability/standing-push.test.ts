import { describe, expect, test } from "vitest";
import { parseDocument } from "../acceptance/document.ts";
import { createEvaluator } from "../acceptance/evaluate.ts";
import { agents } from "../presence/test-reader.ts";
import { atLeast, type Configured, EVERYTHING, startWorld, type TestWatch } from "./test-world.ts";

const SECOND = 1_000;

/** A destination "a" that is watched, was read, and is kept current by push since then. */
async function pushed(given: Partial<Configured> = {}) {
  const judged: string[] = [];
  const { evaluate } = createEvaluator();
  const world = startWorld({
    push: true,
    evaluate(criteria, document) {
      judged.push(document.raw);
      return evaluate(criteria, document);
    },
  });
  world.push.begin("1");
  world.configure("a", given);
  world.board.demand({ ids: new Set(["a"]) });
  await world.clock.advance(0);
  world.reader.last.answer(agents(2, 1));
  await world.clock.advance(0);
  return { ...world, judged };
}

const beats = ({ events }: TestWatch) =>
  events.flatMap((event) => (event.kind === "heartbeat" ? [event.confirmed] : []));

describe("the watched state kept current by push", () => {
  test("has the source PUSH, and is as new as the session's last sign of life, which is no change", async () => {
    const { clock, start, push, state, hub } = await pushed();
    expect(state("a")).toMatchObject({ source: "PUSH", accepted: true, measured: 2, observedAt: start });
    const { version } = state("a");
    const { position } = hub;
    await clock.advance(20 * SECOND);
    expect(state("a").observedAt).toBe(start);
    push.alive();
    const now = clock.now();
    expect(state("a")).toMatchObject({ source: "PUSH", observedAt: now, validUntil: now + 10 * SECOND, version });
    expect(state("a")).toBe(state("a"));
    expect(hub.position).toBe(position);
  });

  test("stays while push lives, however rarely it is read, and turns NOT_IN_TIME when its life is not proved", async () => {
    const { clock, push, state } = await pushed({ failure: { onUndecided: "REJECT", lastKnownLimitMs: SECOND } });
    for (let second = 0; second < 250; second += 10) {
      await clock.advance(10 * SECOND);
      push.alive();
    }
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", source: "PUSH" });
    await clock.advance(3 * 300 * SECOND + 2);
    expect(state("a")).toMatchObject({ reason: "NOT_IN_TIME", source: "NONE" });
  });

  test("changes with each event, and is judged once for each", async () => {
    const { push, clock, state, hub, judged } = await pushed({ criteria: atLeast(2) });
    await clock.advance(SECOND);
    push.alive();
    const { position } = hub;
    push.optIn("1", "1000", false);
    expect(state("a")).toMatchObject({ accepted: false, measured: 1, source: "PUSH", observedAt: clock.now() });
    push.optIn("1", "1000", true);
    expect(state("a")).toMatchObject({ accepted: true, measured: 2 });
    expect([hub.position - position, judged.length]).toEqual([2, 3]);
  });

  test("is not judged anew when a reconcile or a sign of life says the same", async () => {
    const { clock, push, reader, state, hub, judged } = await pushed();
    reader.always = (read) => read.answer(agents(2, 1));
    const { position } = hub;
    for (let minute = 0; minute < 11; minute++) {
      await clock.advance(60 * SECOND);
      push.alive();
    }
    expect(reader.count).toBe(3);
    expect([state("a").observedAt, judged.length, hub.position]).toEqual([clock.now(), 1, position]);
  });

  test("becomes CACHE, as old as push got, when push ends, and PUSH again when it begins and is read", async () => {
    const { clock, push, reader, state } = await pushed();
    await clock.advance(60 * SECOND);
    push.alive();
    const last = clock.now();
    await clock.advance(SECOND);
    push.end();
    expect(state("a")).toMatchObject({ source: "CACHE", observedAt: last });
    await clock.advance(2 * SECOND);
    push.begin("1");
    expect(state("a")).toMatchObject({ source: "CACHE", observedAt: last });
    await clock.advance(5 * SECOND);
    reader.last.answer(agents(2, 1));
    await clock.advance(0);
    expect(state("a")).toMatchObject({ source: "PUSH", observedAt: clock.now() });
  });

  test("is not undecided because a read fails that it does not need", async () => {
    const { clock, push, reader, state, check } = await pushed();
    await clock.advance(SECOND);
    check("a", { maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_UNAVAILABLE", { retryAfterMs: 60 * SECOND });
    await clock.advance(SECOND);
    push.alive();
    expect(state("a")).toMatchObject({ reason: "CRITERIA_MET", source: "PUSH", observedAt: clock.now() });
    push.end();
    expect(state("a")).toMatchObject({ reason: "UPSTREAM_UNAVAILABLE", source: "LAST_KNOWN" });
  });

  test("is undecided when RingCentral says that there is no such queue", async () => {
    const { clock, push, reader, state, check } = await pushed();
    await clock.advance(SECOND);
    check("a", { maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_NOT_FOUND");
    await clock.advance(0);
    expect(state("a")).toMatchObject({ reason: "UPSTREAM_NOT_FOUND", accepted: false, source: "NONE" });
    push.alive();
    push.optIn("1", "1002", true);
    expect(state("a").reason).toBe("UPSTREAM_NOT_FOUND");
  });

  test("is LAST_KNOWN for as long after push ended as the policy allows", async () => {
    const { clock, push, reader, state } = await pushed({
      failure: { onUndecided: "LAST_KNOWN", lastKnownLimitMs: 30_000 },
    });
    reader.always = (read) => read.fail("UPSTREAM_UNAVAILABLE", { retryAfterMs: 300 * SECOND });
    await clock.advance(100 * SECOND);
    push.alive();
    const last = clock.now();
    push.end();
    await clock.advance(10 * SECOND);
    const known = { reason: "UPSTREAM_UNAVAILABLE", source: "LAST_KNOWN", accepted: true, observedAt: last };
    expect(state("a")).toMatchObject(known);
    push.alive();
    await clock.advance(20 * SECOND);
    expect(state("a")).toMatchObject(known);
    await clock.advance(1);
    expect(state("a")).toMatchObject({ source: "NONE", accepted: false });
  });

  test("is disabled or overridden before all else", async () => {
    const { push, configure, state, watching, clock } = await pushed();
    const watched = watching({ heartbeatMs: SECOND });
    configure("a", { disabled: true });
    push.alive();
    await clock.advance(SECOND);
    expect(state("a")).toMatchObject({ reason: "DESTINATION_DISABLED", source: "NONE", observedAt: undefined });
    expect(beats(watched)).toEqual([[]]);
  });
});

describe("check() of what push keeps current", () => {
  test("answers from memory with the source PUSH, and shares the answer until the next sign of life", async () => {
    const { clock, push, reader, check, state } = await pushed({ maxAgeMs: 2 * SECOND });
    await clock.advance(60 * SECOND);
    push.alive();
    await clock.advance(2 * SECOND);
    const [one, other] = [check("a"), check("a")];
    const observedAt = clock.now() - 2 * SECOND;
    expect(one.answer).toMatchObject({ source: "PUSH", accepted: true, observedAt, version: state("a").version });
    expect(other.answer).toBe(one.answer);
    push.alive();
    expect(check("a").answer).toMatchObject({ observedAt: clock.now(), version: one.answer?.version });
    expect(reader.count).toBe(1);
  });

  test("reads when the session has not proved alive for max_age, and for a max_age of 0", async () => {
    const { clock, push, reader, check } = await pushed({ maxAgeMs: 2 * SECOND });
    await clock.advance(2 * SECOND + 1);
    const waits = check("a");
    expect([waits.answer, reader.count]).toEqual([undefined, 2]);
    reader.last.answer(agents(0, 3));
    await clock.advance(0);
    expect(waits.answer).toMatchObject({ source: "LIVE", accepted: false });
    push.alive();
    check("a", { maxAgeMs: 0 });
    expect(reader.count).toBe(3);
  });

  test("says PUSH of the present age also while a read has failed", async () => {
    const { clock, push, reader, check } = await pushed();
    await clock.advance(SECOND);
    check("a", { maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_TIMEOUT");
    await clock.advance(60 * SECOND);
    push.alive();
    expect(check("a").answer).toMatchObject({ reason: "CRITERIA_MET", source: "PUSH", observedAt: clock.now() });
  });

  test("says PUSH, with the watched state's version, of what cannot be decided", async () => {
    const { clock, start, push, reader, check, state, configure } = startWorld({ push: true });
    push.begin("1");
    configure("a", { failure: { onUndecided: "REJECT", lastKnownLimitMs: SECOND } });
    check("a");
    const document = parseDocument('{"records":[{"member":{"id":"7"}}]}');
    reader.last.answer(document.ok ? document.document : agents(0));
    await clock.advance(0);
    const { version } = state("a");
    expect(check("a").answer).toMatchObject({ reason: "PRESENCE_UNKNOWN", source: "PUSH", observedAt: start, version });
  });

  test("says CACHE as soon as push has ended, whatever failed", async () => {
    const { clock, push, reader, check } = await pushed({ maxAgeMs: 60 * SECOND });
    await clock.advance(SECOND);
    check("a", { maxAgeMs: 0 });
    reader.last.fail("UPSTREAM_UNAVAILABLE", { retryAfterMs: 60 * SECOND });
    await clock.advance(SECOND);
    push.alive();
    push.end();
    const answer = { reason: "CRITERIA_MET", source: "CACHE", observedAt: clock.now(), version: 0n };
    await clock.advance(SECOND);
    expect(check("a").answer).toMatchObject(answer);
  });
});

describe("heartbeats", () => {
  test("confirm what push keeps current once for each, whether or not it was told of", async () => {
    const { clock, push, configure, watching } = await pushed();
    configure("b", { queueId: "2" });
    const [all, one] = [
      watching({ heartbeatMs: 5 * SECOND }),
      watching({ ...EVERYTHING, destinationIds: ["a"], heartbeatMs: 5 * SECOND }),
    ];
    await clock.advance(4 * SECOND);
    push.alive();
    const observedAt = clock.now();
    await clock.advance(SECOND);
    for (const watched of [all, one]) {
      expect(beats(watched)).toEqual([[expect.objectContaining({ destinationId: "a", source: "PUSH", observedAt })]]);
    }
    push.end();
    await clock.advance(5 * SECOND);
    for (const watched of [all, one]) expect(beats(watched).at(-1)).toEqual([]);
  });

  test("of streams that watch the same share what push keeps current for a quarter of a second", async () => {
    const { clock, push, watching } = await pushed();
    const one = { ...EVERYTHING, destinationIds: ["a"] };
    const watched = [5000, 5200, 5300].map((heartbeatMs) => watching({ ...one, heartbeatMs }));
    await clock.advance(5000);
    push.alive();
    await clock.advance(300);
    const [first, soon, later] = watched.map((stream) => beats(stream).at(-1));
    expect(first).toHaveLength(1);
    expect(soon).toBe(first);
    expect(later).toEqual([expect.objectContaining({ destinationId: "a", observedAt: clock.now() - 300 })]);
    expect(first).not.toEqual(later);
  });
});
