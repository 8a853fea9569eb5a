// The server writes its times in whole microseconds, rounded down, and a double holds them to a quarter of one.
const ROUNDING_MS = 0.002;

/**
 * ServerTime says what the server's clock reads at most. A time that the server took after it was asked, and the local
 * time at which it was asked, bound that from above, whatever the clocks' offset and however late the answer came: the
 * server's clock read no more than that when we asked. Since then it ran at most `1 + drift` times as fast as ours.
 */
export class ServerTime {
  readonly #rate: number;
  /** The bound is this plus the local time at that rate, so that of two bounds the smaller stays the smaller. */
  #lead = Number.POSITIVE_INFINITY;

  /** `drift` is by how much the server's clock may run faster than the local one, as a share. */
  constructor(drift: number) {
    this.#rate = 1 + drift;
  }

  /** The server took `serverTime` (Unix milliseconds) after it was asked at the local `askedAt`. */
  told(serverTime: number, askedAt: number): void {
    const lead = serverTime + ROUNDING_MS - askedAt * this.#rate;
    if (lead < this.#lead) this.#lead = lead;
  }

  /** What the server's clock reads at most, Unix milliseconds; infinite while it was not asked. */
  atMost(now: number): number {
    return this.#lead + now * this.#rate;
  }

  /** The local time up to which the server's clock reads no more than `serverTime` for certain. */
  reaches(serverTime: number): number {
    return (serverTime - this.#lead) / this.#rate;
  }

  /** How far the server's clock moved at most in so many local milliseconds. */
  span(ms: number): number {
    return ms * this.#rate;
  }

  /** Another server, or one that restarted, has another clock. */
  forget(): void {
    this.#lead = Number.POSITIVE_INFINITY;
  }
}
