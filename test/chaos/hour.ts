import { vi } from "vitest";
import { randomFrom } from "../../simulator/random.ts";
import { TestClock } from "../../src/lib/test-clock.ts";
import { type Episode, Episodes } from "./episodes.ts";
import { naivePlayer, type Player, servicePlayer } from "./players.ts";
import type { Asked } from "./queues.ts";
import type { Stage } from "./stage.ts";
import type { Tally } from "./tally.ts";
import type { Trouble } from "./trouble.ts";
import { type Upstream, upstreamOf } from "./upstream.ts";
import { Wires } from "./wires.ts";

/** Each queue is asked about once in so many milliseconds. */
const EVERY_MS = { least: 2_000, most: 5_000 };
/** One Check of so many is of a caller with little time. */
const IMPATIENT_ONE_OF = 3;
// Long enough for whatever waits, so that nothing is left over.
const DRAIN_MS = 70_000;
const SHOWN = 5;

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
  /** What is wrong with the service's answers, for a person to find out why: the first of them. */
  readonly faults: readonly string[];
  readonly faultCount: number;
}

/** Plays a script, by the clock, to the service and to naive clients, and compares every answer with the truth. */
export async function playHour(options: {
  seconds: number;
  troubles: readonly Trouble[];
  seed: number;
  naive: boolean;
  /** Few enough make several sockets; as the operator has it unless given. */
  filtersPerSocket?: number;
}): Promise<Hour> {
  const { seed, troubles } = options;
  const wires = new Wires();
  const clock = new TestClock(undefined, wires.quiet);
  const origin = clock.now();
  const random = vi.spyOn(Math, "random").mockImplementation(randomFrom(seed));
  await using closing = new AsyncDisposableStack();
  closing.defer(() => {
    wires.close();
    random.mockRestore();
  });
  const stage: Stage = { ...options, clock, origin, closing, episodes: new Episodes(troubles), faults: [] };
  const service = await servicePlayer(stage);
  const players = [service];
  if (options.naive) {
    players.push(await naivePlayer(stage, "naive", { mended: false, limited: true }));
    players.push(await naivePlayer(stage, "naive, mended, no limits", { mended: true, limited: false }));
  }
  const endsAt = origin + options.seconds * 1000;
  const underWay = askAlways(players, stage, endsAt);
  playScript(players, stage);
  await clock.advance(options.seconds * 1000);
  for (const { asked, tally } of players) for (const { id } of asked) tally.mark(id, endsAt);
  const outcomes = players.map(({ name, tally, scene }) => ({
    name,
    tally,
    upstream: upstreamOf(scene.simulator.requests, origin),
  }));
  await clock.advance(DRAIN_MS);
  if (underWay.size > 0) throw new Error(`Cannot end the hour: ${underWay.size} Checks are not answered`);
  return {
    seconds: options.seconds,
    service: outcomes[0]!,
    naive: outcomes.slice(1),
    episodes: stage.episodes.all,
    faults: stage.faults.slice(0, SHOWN),
    faultCount: stage.faults.length,
  };
}

/** Lets all players ask the same at the same times, by the seed; answers with the Checks that are under way. */
function askAlways(players: readonly Player[], { clock, origin, seed }: Stage, endsAt: number): Set<Promise<void>> {
  const underWay = new Set<Promise<void>>();
  const chance = randomFrom(seed + 1);
  let counted = 0;
  const ask = (one: Asked) => {
    if (clock.now() >= endsAt) return;
    const impatient = counted++ % IMPATIENT_ONE_OF === 0;
    for (const player of players) {
      const check = player.check(one, impatient).finally(() => underWay.delete(check));
      underWay.add(check);
    }
    clock.after(EVERY_MS.least + Math.floor(chance() * (EVERY_MS.most - EVERY_MS.least)), () => ask(one));
  };
  for (const one of players[0]!.asked) {
    for (const { tally } of players) tally.mark(one.id, origin);
    clock.after(Math.floor(chance() * EVERY_MS.most), () => ask(one));
  }
  return underWay;
}

/** Makes the same trouble in every simulator, each at its time. */
function playScript(players: readonly Player[], { clock, troubles }: Stage): void {
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
}
