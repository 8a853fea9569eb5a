import type { Clock } from "../../lib/clock.ts";
import type { CoverageBook } from "./push-coverage.ts";
import type { PushFilter } from "./push-event.ts";
import { filterKey } from "./push-filters.ts";
import type { SessionToken } from "./push-frames.ts";
import type { Line } from "./push-line.ts";
import type { SavedShard } from "./push-recovery.ts";

// How long a session can be resumed when RingCentral does not say.
const RESUMABLE_MS = 180_000;

/** Resumption is what a shard is subscribed to whether a socket is open or not, and what resumes it on the next socket. */
export class Resumption {
  readonly #clock: Clock;
  #asked: ReadonlyMap<string, PushFilter> = new Map();
  #expiresAt: number | undefined;
  #forMs = RESUMABLE_MS;
  #cancelExpiry: () => void = () => {};
  /** Resumes the session after all that was told. */
  wsc: SessionToken | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was asked for, refused filters too. */
  get asked(): ReadonlyMap<string, PushFilter> {
    return this.#asked;
  }

  get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  asks(wanted: ReadonlyMap<string, PushFilter>): boolean {
    return this.#asked.size === wanted.size && [...wanted.keys()].every((key) => this.#asked.has(key));
  }

  /** The line's subscription is the shard's from now on; `onExpired` is called when it ends without being renewed. */
  adopt(line: Line, onExpired: () => void): void {
    this.stop();
    this.#asked = line.asked;
    this.#expiresAt = line.expiresAt;
    this.#forMs = line.details?.recoveryTimeoutMs ?? RESUMABLE_MS;
    if (line.expiresAt === undefined) return;
    this.#cancelExpiry = this.#clock.after(line.expiresAt - this.#clock.now(), onExpired);
  }

  /** The token to resume by; undefined when there is none, or it is too late since `aliveAt`. */
  tokenSince(aliveAt: number): SessionToken | undefined {
    const now = this.#clock.now();
    return now > aliveAt + this.#forMs || now >= (this.#expiresAt ?? now + 1) ? undefined : this.wsc;
  }

  /** No expiry is waited for. */
  stop(): void {
    this.#cancelExpiry();
    this.#cancelExpiry = () => {};
  }

  save(wsc: SessionToken, coverage: CoverageBook): SavedShard {
    const filters = [...this.#asked].map(([key, filter]) => ({ filter, since: coverage.of(key)?.since }));
    return { filters, wsc, aliveAt: coverage.aliveAt, resumableForMs: this.#forMs, expiresAt: this.#expiresAt };
  }

  restore({ filters, wsc, aliveAt, resumableForMs, expiresAt }: SavedShard, coverage: CoverageBook): void {
    this.#asked = new Map(filters.map(({ filter }) => [filterKey(filter), filter]));
    this.#expiresAt = expiresAt;
    this.#forMs = resumableForMs;
    this.wsc = wsc;
    const covered = filters.flatMap(({ filter, since }) => (since === undefined ? [] : [{ filter, since }]));
    coverage.restore(covered, aliveAt);
  }
}
