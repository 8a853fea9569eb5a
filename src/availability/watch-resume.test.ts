import { describe, expect, test } from "vitest";
import { createEvaluator, type Evaluation } from "../acceptance/evaluate.ts";
import { settle } from "../lib/test-clock.ts";
import { agents } from "../presence/test-reader.ts";
import { short } from "./test-watch.ts";
import { EVERYTHING, startWorld } from "./test-world.ts";
import type { WatchQuery } from "./watch.ts";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const SALES = { selector: { team: "sales" } };
const sales = { team: "sales" };

type World = ReturnType<typeof startWorld>;

/** A world of destinations of different queues, which nobody reads unless the test does. */
function worldOf(...ids: string[]): World {
  const world = startWorld();
  for (const id of ids) world.configure(id, { queueId: id.charCodeAt(0).toString() });
  return world;
}

/** Watches until nothing comes any more, and is cut. */
async function visit(world: World, query: Partial<WatchQuery> = {}) {
  const watched = world.watching({ passive: true, ...query });
  await settle();
  watched.end();
  await settle();
  const tokens = watched.events.map(({ resumeToken }) => resumeToken);
  return { came: short(watched.events), events: watched.events, tokens, token: tokens.at(-1)! };
}

describe("a Watch with a resume token of the same life and set", () => {
  test("sends only synced when nothing changed", async () => {
    const world = worldOf("a", "b");
    for (const query of [{}, { destinationIds: ["a", "none"] }, SALES]) {
      const { token } = await visit(world, query);
      const again = await visit(world, { ...query, resumeToken: token });
      expect(again.came).toEqual(["synced"]);
      expect(again.token).toBe(token);
    }
  });

  test("sends what changed since once, as it is now", async () => {
    const world = worldOf("a", "b", "c");
    const { token } = await visit(world);
    for (const disabled of [true, false, true]) world.configure("b", { disabled });
    world.configure("d");
    const again = await visit(world, { resumeToken: token });
    expect(again.came).toEqual(["availability b DESTINATION_DISABLED", "availability d NOT_OBSERVED_YET", "synced"]);
    expect(again.events[0]).toMatchObject({ answer: world.state("b") });
  });

  test("sends nothing that was only read again", async () => {
    const world = worldOf("a");
    world.reader.always = (read) => read.answer(agents(1));
    world.check("a");
    await settle();
    const { token } = await visit(world);
    await world.clock.advance(20 * SECOND);
    world.check("a");
    await settle();
    expect(world.reader.count).toBeGreaterThan(1);
    expect((await visit(world, { resumeToken: token })).came).toEqual(["synced"]);
  });

  test("sends removed for what went since, with the removal's version", async () => {
    const world = worldOf("a", "b", "c");
    const { token } = await visit(world);
    world.remove("b");
    const { came, events } = await visit(world, { resumeToken: token });
    expect(came).toEqual(["removed b", "synced"]);
    expect(events[0]).toMatchObject({ version: world.board.removedVersion("b") });
  });

  test("sends the state of what went and came again", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world);
    world.remove("b");
    world.configure("b", { disabled: true });
    expect((await visit(world, { resumeToken: token })).came).toEqual([
      "availability b DESTINATION_DISABLED",
      "synced",
    ]);
  });

  test("sends removed for what came and went since: a client may have been told of it and cut before synced", async () => {
    const world = worldOf("a");
    for (const [index, query] of [{}, SALES, { destinationIds: ["x0", "x1", "x2"] }].entries()) {
      const { token } = await visit(world, query);
      const resuming = { ...EVERYTHING, ...query, passive: true, resumeToken: token };
      const stream = world.watch(resuming, new AbortController().signal);
      world.configure(`x${index}`, { labels: sales });
      expect((await stream.next()).value).toMatchObject({ event: { kind: "availability" }, resumeToken: "" });
      await stream.return(undefined);
      world.remove(`x${index}`);
      const { came } = await visit(world, { ...query, resumeToken: token });
      expect(came).toEqual([`removed x${index}`, "synced"]);
    }
  });

  test("sends nothing of what is not watched", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world, { destinationIds: ["a"] });
    world.configure("b", { disabled: true });
    expect((await visit(world, { destinationIds: ["a"], resumeToken: token })).came).toEqual(["synced"]);
  });

  test("repeats no unknown, but tells when the id got a state since", async () => {
    const world = worldOf("a");
    const query = { destinationIds: ["x", "y"] };
    const first = await visit(world, query);
    expect(first.came).toEqual(["unknown x", "unknown y", "synced"]);
    world.configure("x");
    const again = await visit(world, { ...query, resumeToken: first.token });
    expect(again.came).toEqual(["availability x NOT_OBSERVED_YET", "synced"]);
  });

  test("sends the changes after synced", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world);
    const watched = world.watching({ passive: true, resumeToken: token });
    await settle();
    world.configure("a", { disabled: true });
    world.remove("b");
    await settle();
    expect(short(watched.events)).toEqual(["synced", "availability a DESTINATION_DISABLED", "removed b"]);
  });

  test("may be passive now and have another heartbeat", async () => {
    const world = worldOf("a");
    const { token } = await visit(world, { passive: false, heartbeatMs: 5 * SECOND });
    const other = { passive: true, heartbeatMs: 60 * SECOND, resumeToken: token };
    expect((await visit(world, other)).came).toEqual(["synced"]);
  });

  test("takes the ids in another order, and one twice", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world, { destinationIds: ["a", "b"] });
    const other = { destinationIds: ["b", "a", "b"], resumeToken: token };
    expect((await visit(world, other)).came).toEqual(["synced"]);
  });

  test("loses and repeats no change that comes while the missed ones are sent", async () => {
    const world = worldOf("a", "b", "c");
    const { token } = await visit(world);
    for (const id of ["a", "b", "c"]) world.configure(id, { disabled: true });
    const query = { ...EVERYTHING, passive: true, resumeToken: token };
    const stream = world.watch(query, new AbortController().signal);
    const take = async () => (await stream.next()).value!.event;
    const events = [await take()]; // a
    world.configure("a", { disabled: false });
    world.configure("b", { disabled: false });
    world.remove("c");
    world.configure("d");
    for (let event = 0; event < 5; event++) events.push(await take());
    const last = take();
    await world.clock.advance(15 * SECOND);
    events.push(await last);
    expect(short(events)).toEqual([
      "availability a DESTINATION_DISABLED",
      "availability b NOT_OBSERVED_YET",
      "removed c",
      "synced",
      "availability a NOT_OBSERVED_YET",
      "availability d NOT_OBSERVED_YET",
      "heartbeat",
    ]);
    await stream.return(undefined);
  });

  test("has no token before synced, and the old one still serves whoever is cut before", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world);
    world.configure("a", { disabled: true });
    world.configure("b", { disabled: true });
    const stream = world.watch({ ...EVERYTHING, resumeToken: token }, new AbortController().signal);
    expect((await stream.next()).value).toMatchObject({ event: { kind: "availability" }, resumeToken: "" });
    await stream.return(undefined);
    const { came, tokens } = await visit(world, { resumeToken: token });
    const states = ["availability a DESTINATION_DISABLED", "availability b DESTINATION_DISABLED"];
    expect(came).toEqual([...states, "synced"]);
    expect(tokens.map((given) => given !== "")).toEqual([false, false, true]);
    expect(tokens[2]).not.toBe(token);
  });

  test("serves any number of Watches, and any earlier token", async () => {
    const world = worldOf("a", "b");
    const first = await visit(world);
    world.configure("a", { disabled: true });
    const second = await visit(world, { resumeToken: first.token });
    world.configure("b", { disabled: true });
    const both = ["availability a DESTINATION_DISABLED", "availability b DESTINATION_DISABLED", "synced"];
    for (let time = 0; time < 2; time++) {
      expect((await visit(world, { resumeToken: first.token })).came).toEqual(both);
      expect((await visit(world, { resumeToken: second.token })).came).toEqual(both.slice(1));
    }
  });
});

describe("a Watch with a resume token under a selector", () => {
  test("sends removed for what is selected no more, with the version it has now, and the state of what is", async () => {
    const world = worldOf("a", "b", "c");
    world.configure("a", { labels: sales });
    const { token } = await visit(world, SALES);
    world.configure("a", { labels: {} });
    world.configure("b", { labels: sales });
    const { came, events } = await visit(world, { ...SALES, resumeToken: token });
    expect(came).toEqual(["removed a", "availability b NOT_OBSERVED_YET", "synced"]);
    expect(events[0]).toMatchObject({ version: world.state("a").version });
  });

  test("sends removed for what lost its labels and then went", async () => {
    const world = worldOf("a");
    world.configure("a", { labels: sales });
    const { token } = await visit(world, SALES);
    world.configure("a", { labels: {} });
    world.remove("a");
    expect((await visit(world, { ...SALES, resumeToken: token })).came).toEqual(["removed a", "synced"]);
  });

  test("sends removed for what went and came again with other labels", async () => {
    const world = worldOf("a");
    world.configure("a", { labels: sales });
    const { token } = await visit(world, SALES);
    world.remove("a");
    world.configure("a", { labels: {} });
    expect((await visit(world, { ...SALES, resumeToken: token })).came).toEqual(["removed a", "synced"]);
  });

  test("says nothing of others that changed, went or came", async () => {
    const world = worldOf("a", "b", "c");
    const { token } = await visit(world, SALES);
    world.configure("a", { disabled: true });
    world.remove("b");
    world.configure("x", { labels: { team: "care" } });
    expect((await visit(world, { ...SALES, resumeToken: token })).came).toEqual(["synced"]);
  });

  test("sends removed after synced for what it was told of before it was cut", async () => {
    const world = worldOf("a", "b");
    world.configure("a", { labels: sales });
    const { token } = await visit(world, SALES);
    const watched = world.watching({ ...SALES, passive: true, resumeToken: token });
    await settle();
    world.configure("a", { labels: {} });
    world.configure("b", { disabled: true });
    await settle();
    expect(short(watched.events)).toEqual(["synced", "removed a"]);
  });

  test("has the freshness of what did not change in its heartbeats", async () => {
    const world = worldOf("a", "b");
    world.configure("a", { labels: sales });
    world.reader.always = (read) => read.answer(agents(1));
    world.check("a");
    await settle();
    const { token } = await visit(world, SALES);
    const watched = world.watching({ ...SALES, heartbeatMs: 20 * SECOND, resumeToken: token });
    await world.clock.advance(20 * SECOND);
    expect(short(watched.events)).toEqual(["synced", "heartbeat"]);
    expect(watched.events[1]).toMatchObject({ confirmed: [{ destinationId: "a" }] });
  });

  test("knows what the client holds while a state with new labels is still being judged", async () => {
    const { evaluate } = createEvaluator();
    const judging: (() => void)[] = [];
    const world = startWorld({
      evaluate: (criteria, document) =>
        new Promise<Evaluation>((resolve) => judging.push(() => resolve(evaluate(criteria, document)))),
    });
    const judge = () => {
      for (const finish of judging.splice(0)) finish();
    };
    world.reader.always = (read) => read.answer(agents(1));
    world.configure("a", { labels: sales });
    world.check("a");
    await settle();
    judge();
    await settle();
    const { came, token } = await visit(world, SALES);
    expect(came).toEqual(["availability a CRITERIA_MET", "synced"]);
    world.configure("a", { labels: {} });
    expect((await visit(world, SALES)).came).toEqual(["availability a CRITERIA_MET", "synced"]);
    const watched = world.watching({ ...SALES, passive: true, resumeToken: token });
    await settle();
    expect(short(watched.events)).toEqual(["synced"]);
    judge();
    await settle();
    expect(short(watched.events)).toEqual(["synced", "removed a"]);
  });
});

describe("a Watch whose resume token cannot be honoured", () => {
  const whole = ["resync", "availability a NOT_OBSERVED_YET", "synced"];

  test("begins with resync and the whole state when the token is of another life or garbage", async () => {
    const world = worldOf("a");
    const { token: elsewhere } = await visit(worldOf("a"));
    for (const resumeToken of [elsewhere, "elsewhere.1.abc", "x", "\u0000"]) {
      const { came, tokens } = await visit(world, { resumeToken });
      expect(came).toEqual(whole);
      expect(tokens.map((given) => given !== "")).toEqual([false, false, true]);
    }
  });

  test("begins with resync when the set is another one", async () => {
    const world = worldOf("a");
    const one = await visit(world, { destinationIds: ["a"] });
    const all = await visit(world);
    expect((await visit(world, { resumeToken: one.token })).came).toEqual(whole);
    expect((await visit(world, { destinationIds: ["a"], resumeToken: all.token })).came).toEqual(whole);
    expect((await visit(world, { ...SALES, resumeToken: all.token })).came).toEqual(["resync", "synced"]);
  });

  test("begins with resync when the position is to come", async () => {
    const world = worldOf("a");
    const { token } = await visit(world);
    const [life, position, set] = token.split(".");
    const next = (Number.parseInt(position!, 36) + 1).toString(36);
    expect((await visit(world, { resumeToken: [life, next, set].join(".") })).came).toEqual(whole);
  });

  test("begins with resync when what went since is forgotten, an hour after it went and no sooner", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world);
    world.remove("b");
    const { token: after } = await visit(world);
    await world.clock.advance(HOUR);
    expect((await visit(world, { resumeToken: token })).came).toEqual(["removed b", "synced"]);
    await world.clock.advance(1);
    expect((await visit(world, { resumeToken: token })).came).toEqual(whole);
    expect((await visit(world, { resumeToken: after })).came).toEqual(["synced"]);
  });

  test("is honoured however late when nothing went", async () => {
    const world = worldOf("a", "b");
    const { token } = await visit(world);
    world.configure("b", { disabled: true });
    await world.clock.advance(1_000 * HOUR);
    const { came } = await visit(world, { resumeToken: token });
    expect(came).toEqual(["availability b DESTINATION_DISABLED", "synced"]);
  });
});
