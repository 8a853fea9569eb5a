import type { Duration, Timestamp } from "@bufbuild/protobuf/wkt";

/** A Timestamp as Unix milliseconds, or a Duration as milliseconds, with the fraction. */
export function msOf({ seconds, nanos }: Timestamp | Duration): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}

/** A Duration of so many milliseconds, rounded down, since it stands for what may be at most. */
export function durationOf(ms: number): { seconds: bigint; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds: BigInt(seconds), nanos: Math.floor((ms - seconds * 1000) * 1e6) };
}
