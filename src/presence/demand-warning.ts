import type { Warning } from "../lib/errors.ts";

/** What a connection is asked for, if everything is in demand that is configured. */
export interface ConfiguredDemand {
  readonly queues: number;
  /** The smallest max_age of its destinations, in milliseconds. */
  readonly maxAgeMs: number;
  /** Reads a minute that every destination's max_age would take. */
  readonly readsPerMinute: number;
  /** What RingCentral allows in a minute, as far as known. */
  readonly limitPerMinute: number;
  /** How old answers are when all of them are read as often as the limit allows, in milliseconds. */
  readonly worstAgeMs: number;
}

/** Says what to expect where polling cannot keep every answer as new as is wanted; undefined where it can. */
export function demandWarning(demand: ConfiguredDemand, field: string): Warning | undefined {
  const { queues, maxAgeMs, readsPerMinute, limitPerMinute, worstAgeMs } = demand;
  if (queues === 0 || worstAgeMs <= maxAgeMs) return undefined;
  const needed = Number.isFinite(readsPerMinute) ? Math.ceil(readsPerMinute).toLocaleString("en-US") : "endless";
  const limit = Math.floor(limitPerMinute).toLocaleString("en-US");
  const many = queues === 1 ? "1 queue" : `${queues} queues`;
  const need = queues === 1 ? "needs" : "need";
  const description = `${many} at ${spell(maxAgeMs)} ${need} ${needed} reads a minute, the limit is ${limit}: expect ${spell(worstAgeMs)} without push`;
  return { field, reason: "DEMAND_EXCEEDS_LIMIT", description };
}

function spell(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1_000);
  return seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}
