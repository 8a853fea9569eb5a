import { median } from "./statistics.ts";

/** Milliseconds that one call of each takes. */
export interface Turns {
  readonly one: number;
  readonly other: number;
}

const WARM_UP_MS = 20;

/**
 * Calls two things by turns for so many milliseconds, the warming up beside, so that what else the machine does falls on
 * both; the median turn counts, so that what falls on one turn alone does not. A turn is several calls of what is quick,
 * or the clock would be measured.
 */
export async function byTurns(one: () => unknown, other: () => unknown, forMs: number): Promise<Turns> {
  const [turnOfOne, turnOfOther] = [await turnOf(one, forMs), await turnOf(other, forMs)];
  const [ones, others]: [number[], number[]] = [[], []];
  for (const end = performance.now() + forMs; ones.length === 0 || performance.now() < end; ) {
    ones.push(await turnOfOne());
    others.push(await turnOfOther());
  }
  return { one: median(ones), other: median(others) };
}

/** A turn of as many calls as take about a fiftieth of the time, one at least; it says what one call took. */
async function turnOf(call: () => unknown, forMs: number) {
  const calling = async (calls: number) => {
    const start = performance.now();
    for (let done = 0; done < calls; done++) {
      const result = call();
      // What is known at once is not waited for: that would be measured too.
      if (result instanceof Promise) await result;
    }
    return performance.now() - start;
  };
  let warm = 0;
  let called = 0;
  for (; called === 0 || warm < Math.min(WARM_UP_MS, forMs); called++) warm += await calling(1);
  const calls = Math.max(1, Math.floor(forMs / 50 / (warm / called)));
  return async () => (await calling(calls)) / calls;
}
