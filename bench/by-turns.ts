/** Milliseconds of processor time that one call of each takes, collecting its garbage beside it included. */
export interface Turns {
  readonly one: number;
  readonly other: number;
}

const WARM_UP_MS = 20;
const TURNS = 20;

/**
 * Calls two things by turns for about so many milliseconds each, the warming up beside, so that what else the machine
 * does falls on both; processor time leaves out for how long others had the processor. A turn is several calls of what
 * is quick.
 */
export async function byTurns(one: () => unknown, other: () => unknown, forMs: number): Promise<Turns> {
  const callings = [one, other].map(callingOf);
  const calls: number[] = [];
  for (const calling of callings) calls.push(await callsIn(calling, forMs / TURNS, Math.min(WARM_UP_MS, forMs)));
  const spent = [0, 0];
  let turns = 0;
  for (; turns === 0 || spent[0]! + spent[1]! < 2 * forMs; turns++) {
    for (const [index, calling] of callings.entries()) {
      const before = processorMs();
      await calling(calls[index]!);
      spent[index]! += processorMs() - before;
    }
  }
  return { one: spent[0]! / turns / calls[0]!, other: spent[1]! / turns / calls[1]! };
}

/** How many calls take so many milliseconds, one at least, after warming up. */
async function callsIn(calling: (calls: number) => Promise<void>, ms: number, warmUpMs: number): Promise<number> {
  const start = processorMs();
  let called = 0;
  for (; called === 0 || processorMs() - start < warmUpMs; called++) await calling(1);
  return Math.max(1, Math.round((ms * called) / (processorMs() - start)));
}

function callingOf(call: () => unknown) {
  return async (calls: number) => {
    for (let done = 0; done < calls; done++) {
      const result = call();
      // What is known at once is not waited for: that would be measured too.
      if (result instanceof Promise) await result;
    }
  };
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
