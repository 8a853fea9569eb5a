import type { ConnectError, Transport } from "@connectrpc/connect";
import { type Clock, createSystemClock } from "./clock.ts";
import type { ReplicaState } from "./condition.ts";
import { isMaxAge } from "./fall-back.ts";
import { TIME_EVERY_MS, type WatchQuery } from "./feed.ts";

export interface AvailabilityClientOptions {
  /** How the service is reached: of @connectrpc/connect-node, @connectrpc/connect-web or another. */
  readonly transport: Transport;
  /** The destinations to hold, at most 500. Without these and without `labelSelector`: all, now and later. */
  readonly destinationIds?: readonly string[] | undefined;
  /** Hold the destinations that have all these labels. */
  readonly labelSelector?: Readonly<Record<string, string>> | undefined;
  /** Greatest age of an answer in milliseconds, where a check does not say; the destination's own unless given. */
  readonly maxAgeMs?: number | undefined;
  /** How often the server says what it saw again, 1,000 to 60,000 ms; 1,000 unless given. */
  readonly heartbeatIntervalMs?: number | undefined;
  /** See what others cause, and never be a reason to call RingCentral; false unless given. */
  readonly passive?: boolean | undefined;
  /** How long an RPC may take, where memory is not enough; 10,000 ms unless given. */
  readonly timeoutMs?: number | undefined;
  /** By how much the server's clock may run faster than the local one, in millionths; 500 unless given. */
  readonly clockDriftPpm?: number | undefined;
  /** Hears of every change of `state`. */
  readonly onStateChange?: ((state: ReplicaState) => void) | undefined;
  /** Hears why a Watch ended, each time; it is tried again. */
  readonly onWatchError?: ((error: ConnectError) => void) | undefined;
  /** Local time and timers, for tests. */
  readonly clock?: Clock | undefined;
}

/** Options with every default filled in. */
export interface Settings {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly query: WatchQuery;
  readonly maxAgeMs: number | undefined;
  readonly timeoutMs: number;
  readonly drift: number;
  readonly smallestMaxAgeMs: number;
  readonly onStateChange: (state: ReplicaState) => void;
  readonly onWatchError: (error: ConnectError) => void;
}

/** One thing that is wrong with the options. */
export interface OptionViolation {
  readonly field: string;
  readonly given: string;
  readonly expected: string;
}

/** OptionsError names everything that is wrong with the options of a client, at once. */
export class OptionsError extends RangeError {
  override readonly name = "OptionsError";
  readonly violations: readonly OptionViolation[];

  constructor(violations: readonly OptionViolation[]) {
    const each = violations.map(({ field, given, expected }) => `${field} is ${given}, expected ${expected}`);
    super(`Cannot create the availability client: ${each.join("; ")}`);
    this.violations = violations;
  }
}

const KNOWN: Readonly<Record<keyof AvailabilityClientOptions, true>> = {
  transport: true,
  destinationIds: true,
  labelSelector: true,
  maxAgeMs: true,
  heartbeatIntervalMs: true,
  passive: true,
  timeoutMs: true,
  clockDriftPpm: true,
  onStateChange: true,
  onWatchError: true,
  clock: true,
};
const HEARTBEAT_MS = { least: 1000, most: 60_000, unset: 1000 };
const TIMEOUT_MS = { least: 1, most: 2 ** 31 - 1, unset: 10_000 };
const DRIFT_PPM = { least: 0, most: 100_000, unset: 500 };
const MOST_IDS = 500;
const ID = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
// One way of the newest heartbeat, and the round trip that bounds the server's clock.
const ROUND_TRIPS_MS = 200;
// What a heartbeat confirms may have been looked at for another one, so long before.
const LOOKED_AT_MS = 250;

/**
 * The least max age that a destination confirmed with every heartbeat always meets: one interval until the next, the way
 * of both, how long ago the server looked, and by how much the server's clock may be over-estimated when its time was last
 * asked for a while ago.
 */
function smallestMaxAge(heartbeatMs: number, drift: number): number {
  return Math.ceil(heartbeatMs + ROUND_TRIPS_MS + LOOKED_AT_MS + 2 * drift * TIME_EVERY_MS);
}

/** Makes settings of options, or throws OptionsError with everything that is wrong with them. */
export function settingsOf(options: AvailabilityClientOptions): Settings {
  const violations: OptionViolation[] = [];
  const say = (field: string, given: string, expected: string) => {
    violations.push({ field, given, expected });
  };
  const wrong = (field: string, given: unknown, expected: string) => say(field, shown(given), expected);
  const number = (field: keyof typeof options, { least, most, unset }: typeof TIMEOUT_MS): number => {
    const given = options[field];
    if (given === undefined) return unset;
    if (typeof given === "number" && given >= least && given <= most) return given;
    wrong(field, given, `a number from ${least} to ${most}`);
    return unset;
  };

  const { transport, destinationIds = [], labelSelector = {}, maxAgeMs, passive = false } = options;
  if (typeof transport?.unary !== "function" || typeof transport.stream !== "function") {
    wrong("transport", transport, "a Connect transport");
  }
  if (!Array.isArray(destinationIds)) wrong("destinationIds", destinationIds, "a list of ids");
  else {
    const { length } = destinationIds;
    if (length > MOST_IDS) say("destinationIds", `${length} long`, `${MOST_IDS} at most`);
    destinationIds.forEach((id: unknown, index) => {
      if (typeof id !== "string" || !ID.test(id)) wrong(`destinationIds[${index}]`, id, ID.source);
    });
  }
  if (typeof labelSelector !== "object" || labelSelector === null) wrong("labelSelector", labelSelector, "labels");
  else {
    const labels = Object.entries(labelSelector);
    for (const [label, value] of labels) {
      if (typeof value !== "string") wrong(`labelSelector.${label}`, value, "a text");
    }
    const both = labels.length > 0 && destinationIds.length > 0;
    if (both) wrong("labelSelector", labelSelector, "none beside destinationIds");
  }
  if (typeof passive !== "boolean") wrong("passive", passive, "true or false");
  const heartbeatMs = number("heartbeatIntervalMs", HEARTBEAT_MS);
  const timeoutMs = number("timeoutMs", TIMEOUT_MS);
  const drift = number("clockDriftPpm", DRIFT_PPM) / 1e6;
  const smallestMaxAgeMs = smallestMaxAge(heartbeatMs, drift);
  if (maxAgeMs !== undefined && !(isMaxAge(maxAgeMs) && maxAgeMs >= smallestMaxAgeMs)) {
    wrong("maxAgeMs", maxAgeMs, `${smallestMaxAgeMs} or more with a heartbeat interval of ${heartbeatMs} ms`);
  }
  for (const field of ["onStateChange", "onWatchError"] as const) {
    if (options[field] !== undefined && typeof options[field] !== "function")
      wrong(field, options[field], "a function");
  }
  for (const field of Object.keys(options)) {
    if (!Object.hasOwn(KNOWN, field)) say(field, "no option", `one of ${Object.keys(KNOWN).join(", ")}`);
  }
  if (violations.length > 0) throw new OptionsError(violations);

  return {
    transport,
    clock: options.clock ?? createSystemClock(),
    query: { destinationIds, labelSelector, heartbeatMs, passive },
    maxAgeMs,
    timeoutMs,
    drift,
    smallestMaxAgeMs,
    onStateChange: options.onStateChange ?? (() => {}),
    onWatchError: options.onWatchError ?? (() => {}),
  };
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
