/** When news of a change came, in milliseconds of the machine's monotonic clock; one change of a queue at a time. */
export class Arrivals<Way extends string> {
  readonly #ways: readonly Way[];
  readonly #waiting = new Map<string, Waiting<Way>>();

  constructor(ways: readonly Way[]) {
    this.#ways = ways;
  }

  /** Resolves when the news of a queue came by every way; what comes before that says which change it is of is passed over. */
  expect(queueId: string, patienceMs: number): Promise<Record<Way, number>> {
    const { promise, resolve, reject } = Promise.withResolvers<Record<Way, number>>();
    const at: Partial<Record<Way, number>> = {};
    const timer = setTimeout(() => {
      const missing = this.#ways.filter((way) => at[way] === undefined);
      reject(new Error(`Cannot measure news of queue ${queueId}: none by ${missing.join(", ")} in ${patienceMs} ms`));
    }, patienceMs);
    this.#waiting.set(queueId, { at, timer, resolve });
    return promise;
  }

  came(way: Way, queueId: string): void {
    const waiting = this.#waiting.get(queueId);
    if (!waiting) return;
    waiting.at[way] ??= monotonicMs();
    if (this.#ways.some((other) => waiting.at[other] === undefined)) return;
    clearTimeout(waiting.timer);
    this.#waiting.delete(queueId);
    waiting.resolve(waiting.at as Record<Way, number>);
  }
}

interface Waiting<Way extends string> {
  readonly at: Partial<Record<Way, number>>;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (at: Record<Way, number>) => void;
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
