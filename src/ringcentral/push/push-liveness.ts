import type { Clock } from "../../lib/clock.ts";

// Silence that ends a session, however small the interval of pings.
const LEAST_PATIENCE_MS = 10_000;
// RingCentral wants its own heartbeat only where pings are not possible, and after that much silence.
const HEARTBEAT_AFTER_MS = 30_000;
// A process that was held up has not read yet what came: it gets the time to.
const UNREAD_MS = 250;

interface Deps {
  readonly clock: Clock;
  /** Time between pings, in milliseconds; asked anew for each. */
  readonly pingIntervalMs: () => number;
  readonly ping: () => void;
  /** Sends RingCentral's heartbeat, which it repeats. */
  readonly heartbeat: () => void;
  /** Everything that RingCentral sent before this time has come. */
  readonly onProof: (at: number) => void;
  /** The session is dead. */
  readonly onSilence: () => void;
}

/**
 * Liveness pings one session and tells up to when it is known that nothing is missing. Frames arrive in order, so a pong
 * proves that all that was sent before its ping left has come; a frame that just comes proves nothing of the kind, as
 * one behind it may be under way. One ping is out at a time, so that a pong is never taken for that of a later ping.
 */
export class Liveness {
  readonly #deps: Deps;
  #pingSentAt: number | undefined;
  #heartbeatSentAt: number | undefined;
  /** Pings are possible: there are proxies that swallow them. */
  #ponged = false;
  /** When anything last came. */
  #heardAt: number;
  /** It was silent for too long when last looked at. */
  #suspected = false;
  /** Somebody waits for the proof of a ping of this time or later. */
  #probeFrom: number | undefined;
  #stopped = false;
  #cancel: () => void = () => {};

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#heardAt = deps.clock.now();
    this.#beat();
  }

  /** A frame or a ping came. */
  heard(): void {
    this.#heardAt = this.#deps.clock.now();
  }

  pong(): void {
    this.heard();
    const sentAt = this.#pingSentAt;
    if (sentAt === undefined) return;
    this.#ponged = true;
    this.#pingSentAt = undefined;
    if (this.#probeFrom !== undefined) this.#again(this.#deps.pingIntervalMs());
    this.#deps.onProof(sentAt);
  }

  /** A ping is wanted at `at` rather than with the interval. */
  probeFrom(at: number): void {
    this.#probeFrom = at;
    if (this.#pingSentAt === undefined) this.#again(this.#deps.pingIntervalMs());
  }

  /** RingCentral repeated our heartbeat. */
  heartbeatRepeated(): void {
    this.heard();
    const sentAt = this.#heartbeatSentAt;
    if (sentAt === undefined) return;
    this.#heartbeatSentAt = undefined;
    this.#deps.onProof(sentAt);
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
  }

  #beat(): void {
    const { clock } = this.#deps;
    const now = clock.now();
    const interval = this.#deps.pingIntervalMs();
    const silence = now - this.#heardAt;
    const patience = this.#ponged ? Math.max(3 * interval, LEAST_PATIENCE_MS) : HEARTBEAT_AFTER_MS + LEAST_PATIENCE_MS;
    if (silence >= patience) {
      if (this.#suspected) this.#deps.onSilence();
      else {
        this.#suspected = true;
        this.#again(UNREAD_MS);
      }
      return;
    }
    this.#suspected = false;
    if (this.#pingSentAt === undefined) {
      this.#pingSentAt = now;
      if (this.#probeFrom !== undefined && now >= this.#probeFrom) this.#probeFrom = undefined;
      this.#deps.ping();
    }
    if (!this.#ponged && silence >= HEARTBEAT_AFTER_MS && this.#heartbeatSentAt === undefined) {
      this.#heartbeatSentAt = now;
      this.#deps.heartbeat();
    }
    this.#again(Math.min(interval, patience - silence));
  }

  #again(ms: number): void {
    this.#cancel();
    const { clock } = this.#deps;
    const probes = this.#probeFrom !== undefined && this.#pingSentAt === undefined;
    const probeMs = probes ? Math.max(0, this.#probeFrom! - clock.now()) : ms;
    // A ping may find that the socket is closed, which stops all this.
    if (!this.#stopped) this.#cancel = clock.after(Math.min(ms, probeMs), () => this.#beat());
  }
}
