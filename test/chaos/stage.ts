import { startSimulator } from "../../simulator/server.ts";
import type { TestClock } from "../../src/lib/test-clock.ts";
import type { Episodes } from "./episodes.ts";
import { type Asked, askedOf } from "./queues.ts";
import type { Scene, Trouble } from "./trouble.ts";
import { Truths } from "./truths.ts";

const QUEUES = 30;
const AGENTS = 90;
const LOAD = { callsPerSecond: 1, talkSeconds: 40, togglesPerSecond: 0.3 };
// Nobody dials again this soon.
const SETTLED_MS = 100;

/** What all who play share. */
export interface Stage {
  readonly clock: TestClock;
  /** When it began, Unix milliseconds. */
  readonly origin: number;
  readonly seed: number;
  readonly troubles: readonly Trouble[];
  readonly filtersPerSocket?: number | undefined;
  /** What is put here is closed at the end, the last one first. */
  readonly closing: AsyncDisposableStack;
  readonly episodes: Episodes;
  /** What is wrong with the service's answers, for a person. */
  readonly faults: string[];
}

/** A simulator with the world of all others, and what is asked about it. */
export async function setScene(
  { clock, seed, closing }: Stage,
  { limited }: { limited: boolean },
): Promise<{ asked: readonly Asked[]; scene: Scene }> {
  const none = Number.POSITIVE_INFINITY;
  const simulator = await startSimulator({
    queues: QUEUES,
    agents: AGENTS,
    queuesPerAgent: 3,
    seed,
    ...(!limited && { limits: { light: none, auth: none } }),
    load: { ...LOAD, seed },
    now: () => clock.now(),
    after: (ms, then) => clock.after(ms, then),
  });
  closing.defer(() => simulator.close());
  const asked = askedOf(simulator.world.queueIds);
  const truths = new Truths(simulator.world, asked, () => clock.now());
  const next = (then: () => void) => void clock.after(SETTLED_MS, then);
  return { asked, scene: { simulator, truths, limited, next } };
}
