import type { Figure } from "./figure.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Bench } from "./scenario.ts";
import { overRounds } from "./statistics.ts";

/** What is measured beside others: the service, or a peer. */
export interface Contender {
  readonly name: string;
  /** Asks it for so long; resolves to how fast and how much it answered. */
  ask(ms: number): Promise<{ readonly perSecond: number; readonly answered: number }>;
  /** What its process has used so far. */
  usage(): ProcessUsage;
}

/** What one round with one contender gave. */
export interface Round {
  readonly perSecond: number;
  /** Processor time of the server for each answer, in microseconds. */
  readonly cpu: number;
}

export type Rounds = ReadonlyMap<string, readonly Round[]>;

/** Measures all by turns, A B C A B C, so that what else the machine does is spread over all of them. */
export async function byTurns(
  bench: Bench,
  contenders: readonly Contender[],
  { what, rounds, ms, warmUpMs }: { what: string; rounds: number; ms: number; warmUpMs: number },
): Promise<Rounds> {
  for (const contender of contenders) await contender.ask(warmUpMs);
  const measured = new Map<string, Round[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const contender of contenders) measured.get(contender.name)!.push(await measure(contender, ms));
    bench.say(`${what}, round ${round} of ${rounds}`);
  }
  return measured;
}

async function measure(contender: Contender, ms: number): Promise<Round> {
  const before = contender.usage().cpuMs;
  const { perSecond, answered } = await contender.ask(ms);
  return { perSecond, cpu: ((contender.usage().cpuMs - before) * 1000) / answered };
}

/** One contender's measure over another's, round by round; NaN when either was not measured. */
export function timesThat(
  rounds: Rounds,
  [one, other]: readonly [string, string],
  measure: keyof Round,
): Pick<Figure, "value" | "spread"> {
  const [ones, others] = [rounds.get(one) ?? [], rounds.get(other) ?? []];
  if (ones.length === 0 || others.length === 0) return { value: Number.NaN };
  return overRounds(ones.map((round, index) => round[measure] / others[index]![measure]));
}

/** How fast each was, with the processor time of an answer. */
export function rates(scenario: string, unit: string, rounds: Rounds): Figure[] {
  return [...rounds].map(([name, of]) => ({
    scenario,
    name,
    ...overRounds(of.map(({ perSecond }) => perSecond)),
    unit,
    more: { "CPU us each": overRounds(of.map(({ cpu }) => cpu)).value },
  }));
}
