import { timestampMs } from "@bufbuild/protobuf/wkt";
import { vi } from "vitest";
import { Verdict } from "../../gen/availability/v1/availability_pb.ts";
import { randomFrom } from "../../simulator/random.ts";
import { startSimulator } from "../../simulator/server.ts";
import { TestClock } from "../../src/lib/test-clock.ts";
import { type Episode, Episodes } from "./episodes.ts";
import { type Answered, claimOf, Judge, reasonOf } from "./judge.ts";
import { NaiveClient } from "./naive-client.ts";
import { type Asked, askedOf } from "./queues.ts";
import { startServiceOn } from "./service.ts";
import { Tally } from "./tally.ts";
import type { Scene, Trouble } from "./trouble.ts";
import { Truths } from "./truths.ts";
import { callsBefore, seconds, type Upstream, upstreamOf } from "./upstream.ts";
import { Wires } from "./wires.ts";

const QUEUES = 30;
const AGENTS = 90;
const LOAD = { callsPerSecond: 1, talkSeconds: 40, togglesPerSecond: 0.3 };
/** Each queue is asked about once in so many milliseconds. */
const EVERY_MS = { least: 2_000, most: 5_000 };
/** Every third Check is of a caller with little time. */
const IMPATIENT = { every: 3, maxWaitMs: 1_000 };
// Long enough for whatever waits, so that nothing is left over.
const DRAIN_MS = 70_000;
// Nobody dials again this soon.
const SETTLED_MS = 100;
const SHOWN = 400;

/** What one client made of the time. */
export interface Outcome {
  readonly name: string;
  readonly tally: Tally;
  readonly upstream: Upstream;
}

export interface Hour {
  readonly seconds: number;
  readonly service: Outcome;
  readonly naive: readonly Outcome[];
  readonly episodes: readonly Episode[];
  /** What is wrong with the service's answers, for a person to find out why: the first of each kind. */
  readonly faults: readonly string[];
  readonly faultCount: number;
}

/** Somebody who asks about the queues of a simulator of his own. */
interface Player {
  readonly name: string;
  readonly scene: Scene;
  readonly judge: Judge;
  readonly tally: Tally;
  check(asked: Asked, impatient: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Plays a script, by the clock, to the service and to naive clients, and compares every answer with the truth. */
export async function playHour(options: {
  seconds: number;
  troubles: readonly Trouble[];
  seed: number;
  naive: boolean;
  /** Few enough make several sockets. */
  filtersPerSocket?: number;
}): Promise<Hour> {
  const { seed, troubles } = options;
  const wires = new Wires();
  const clock = new TestClock(undefined, wires.quiet);
  const random = vi.spyOn(Math, "random").mockImplementation(randomFrom(seed));
  await using closing = new AsyncDisposableStack();
  closing.defer(() => {
    wires.close();
    random.mockRestore();
  });
  const origin = clock.now();
  const faults: string[] = [];
  const episodes = new Episodes(troubles);

  const sceneOf = async (limits: object) => {
    const simulator = await startSimulator({
      queues: QUEUES,
      agents: AGENTS,
      queuesPerAgent: 3,
      seed,
      limits,
      load: { ...LOAD, seed },
      now: () => clock.now(),
      after: (ms, then) => clock.after(ms, then),
    });
    closing.defer(() => simulator.close());
    const asked = askedOf(simulator.world.queueIds);
    const truths = new Truths(simulator.world, asked, () => clock.now());
    const next = (then: () => void) => void clock.after(SETTLED_MS, then);
    return { asked, scene: { simulator, truths, next }, judge: new Judge(truths, { troubles, origin }) };
  };

  const servicePlayer = async (): Promise<Player & { asked: readonly Asked[] }> => {
    const { asked, scene, judge } = await sceneOf({});
    const { simulator, truths } = scene;
    const service = await startServiceOn(clock, simulator, options);
    await service.configure(asked);
    const tally = new Tally();
    const tell = (what: string, { asked: one, at, availability }: Answered) => {
      const { verdict, measured, observedAt, source, message } = availability;
      const from = observedAt ? timestampMs(observedAt) : at;
      const reason = reasonOf(availability);
      faults.push(
        [
          `${seconds(at, origin)} ${one.id} (${one.kind.name} > ${one.moreThan}, ${one.maxAgeMs} ms): ${what}`,
          `  answered verdict ${verdict} ${reason}, measured ${measured}, source ${source}, observed at ${seconds(from, origin)}: ${message}`,
          `  felt: ${
            judge
              .felt(at)
              .map(({ name }) => name)
              .join("; ") || "nothing"
          }`,
          `  truth, queue ${one.queueId.slice(-3)}:`,
          truths.journal(one.queueId, from - 20_000, at, origin),
          "  calls:",
          callsBefore(simulator.requests, at, origin),
        ].join("\n"),
      );
    };
    return {
      name: "this service",
      asked,
      scene,
      judge,
      tally,
      async check(one, impatient) {
        const askedAt = clock.now();
        const availability = await service.check(one, impatient ? IMPATIENT.maxWaitMs : undefined);
        const at = clock.now();
        const answered: Answered = { asked: one, askedAt, at, availability };
        tally.checks++;
        const claim = claimOf(availability);
        const undecided = availability.verdict === Verdict.UNDECIDED;
        if (undecided) tally.undecide(reasonOf(availability));
        const misplaced = judge.misplaced(answered);
        if (misplaced) tally.misplaced++;
        if (misplaced) tell(`undecided for no good reason: ${misplaced}`, answered);
        const judgement = claim && judge.judge(one, claim, at);
        const reason = undecided ? reasonOf(availability) : undefined;
        const untold = judgement?.startsWith("right but for") === true;
        episodes.count((at - origin) / 1000, { reason, untold });
        if (claim && judgement) {
          if (!undecided) tally.judge(one.id, judgement, claim.accepted, at);
          if (judgement === "wrong") tell("WRONG", answered);
          if (!undecided && claim.observedAt < askedAt - one.maxAgeMs) {
            tally.tooOld++;
            tell("older than it may be", answered);
          }
        }
        if (availability.accepted !== truths.at(one.queueId) > one.moreThan) tally.missed++;
      },
      close: () => service.stop(),
    };
  };

  const naivePlayer = async (name: string, how: { mended: boolean; limits: object }): Promise<Player> => {
    const { scene, judge } = await sceneOf(how.limits);
    const client = new NaiveClient(scene.simulator, clock, how);
    const tally = new Tally();
    return {
      name,
      scene,
      judge,
      tally,
      async check(one) {
        const { accepted, observedAt } = await client.check(one);
        const at = clock.now();
        tally.checks++;
        tally.judge(one.id, judge.judge(one, { accepted, observedAt, measured: undefined }, at), accepted, at);
        if (accepted !== scene.truths.at(one.queueId) > one.moreThan) tally.missed++;
      },
      close: () => client.close(),
    };
  };

  const service = await servicePlayer();
  const none = Number.POSITIVE_INFINITY;
  const players: Player[] = [service];
  if (options.naive) {
    players.push(await naivePlayer("naive", { mended: false, limits: {} }));
    players.push(await naivePlayer("naive, mended, no limits", { mended: true, limits: { light: none, auth: none } }));
  }
  const underWay = new Set<Promise<void>>();
  const endsAt = origin + options.seconds * 1000;
  const chance = randomFrom(seed + 1);
  let counted = 0;
  const ask = (one: Asked) => {
    if (clock.now() >= endsAt) return;
    const impatient = counted++ % IMPATIENT.every === 0;
    for (const player of players) {
      const check = player.check(one, impatient).finally(() => underWay.delete(check));
      underWay.add(check);
    }
    clock.after(EVERY_MS.least + Math.floor(chance() * (EVERY_MS.most - EVERY_MS.least)), () => ask(one));
  };
  for (const one of service.asked) {
    for (const { tally } of players) tally.mark(one.id, origin);
    clock.after(Math.floor(chance() * EVERY_MS.most), () => ask(one));
  }
  for (const { at, lasts, every = lasts, begin, end } of troubles) {
    for (let time = at; time < at + lasts; time += every) {
      clock.after(time * 1000, () => {
        for (const { scene } of players) begin(scene);
      });
    }
    clock.after((at + lasts) * 1000, () => {
      for (const { scene } of players) end?.(scene);
    });
  }
  await clock.advance(options.seconds * 1000);
  for (const one of service.asked) for (const { tally } of players) tally.mark(one.id, endsAt);
  const upstreams = players.map(({ scene: { simulator } }) => upstreamOf(simulator.requests, origin));
  await clock.advance(DRAIN_MS);
  if (underWay.size > 0) throw new Error(`Cannot end the hour: ${underWay.size} Checks are not answered`);
  for (const { close } of players.toReversed()) await inTime(close(), clock);
  const outcomes = players.map(({ name, tally }, index) => ({ name, tally, upstream: upstreams[index]! }));
  return {
    seconds: options.seconds,
    service: outcomes[0]!,
    naive: outcomes.slice(1),
    episodes: episodes.all,
    faults: faults.slice(0, SHOWN),
    faultCount: faults.length,
  };
}

/** Lets the clock go on until something is done. */
async function inTime(work: Promise<void>, clock: TestClock): Promise<void> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  while (!done) await clock.advance(1_000);
  await finished;
}
