/** The value below which `share` (0 to 1) of the values lie, between neighbours in proportion; NaN when there are none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const place = share * (sorted.length - 1);
  const [below, above] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  if (below === undefined || above === undefined) return Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The least and the greatest of what was measured in several rounds. */
export interface Spread {
  readonly low: number;
  readonly high: number;
}

/** The median of rounds, and how far apart they were. */
export function overRounds(rounds: readonly number[]): { value: number; spread: Spread } {
  return { value: median(rounds), spread: { low: Math.min(...rounds), high: Math.max(...rounds) } };
}

/** The power of x that y grows by: the slope of the line through their logarithms, by least squares. */
export function exponent(points: readonly (readonly [x: number, y: number])[]): number {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)] as const);
  const middle = (axis: 0 | 1) => logs.reduce((sum, log) => sum + log[axis], 0) / logs.length;
  const [x, y] = [middle(0), middle(1)];
  const sum = (term: (log: readonly [number, number]) => number) => logs.reduce((sum, log) => sum + term(log), 0);
  return sum((log) => (log[0] - x) * (log[1] - y)) / sum((log) => (log[0] - x) ** 2);
}

/** Numbers from 0 to 1, the same for the same seed, so that runs ask the same. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
