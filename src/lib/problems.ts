import type { Violation } from "./errors.ts";
import { quote } from "./quote.ts";

/** A protobuf Duration. */
interface Duration {
  readonly seconds: bigint;
  readonly nanos: number;
}

/** Problems collects every violation of one input, so that a person mends them in one go. */
export class Problems {
  readonly violations: Violation[] = [];

  add(field: string, reason: string, description: string): void {
    this.violations.push({ field, reason, description });
  }

  /** What a later release brings: refused, never ignored. */
  unsupported(field: string, { given = "set", expected = "nothing" } = {}): void {
    this.add(field, "UNSUPPORTED", `is ${given}, not available yet, expected ${expected}`);
  }

  /** The name of an enum's value; a number that this release does not know is a violation, and the default stands in. */
  name<Name extends string>(field: string, names: Readonly<Record<number, Name>> & { 0: Name }, value: number): Name {
    const name = names[value];
    if (name !== undefined) return name;
    const known = [...new Set(Object.values(names))].join(", ");
    this.add(field, "UNKNOWN_VALUE", `is ${value}, expected one of ${known}`);
    return names[0];
  }

  /** A duration in milliseconds, or its default when unset; out of range is a violation, and the default stands in. */
  duration(field: string, value: Duration | undefined, range: { unset: number; min: number; max: number }): number {
    if (value === undefined) return range.unset;
    const ms = durationMs(value);
    if (ms !== undefined && ms >= range.min && ms <= range.max) return ms;
    const given = ms === undefined ? "no valid duration" : spell(ms);
    const expected = Number.isFinite(range.max) ? `${spell(range.min)} to ${spell(range.max)}` : "0 s or more";
    this.add(field, "OUT_OF_RANGE", `is ${given}, expected ${expected}`);
    return range.unset;
  }

  /** Text of at most `maxBytes` bytes without control characters. */
  text(field: string, value: string, maxBytes: number): void {
    const bytes = Buffer.byteLength(value);
    if (bytes > maxBytes) this.add(field, "TOO_LONG", `is ${bytes} bytes, expected at most ${maxBytes}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    if (/[\u0000-\u001f\u007f]/.test(value)) {
      this.add(field, "INVALID_FORMAT", "holds control characters, expected printable text");
    }
  }

  /** Text that must match a pattern. */
  format(field: string, value: string, pattern: RegExp): void {
    if (value === "") this.add(field, "REQUIRED", `is empty, expected ${pattern.source}`);
    else if (!pattern.test(value)) {
      this.add(field, "INVALID_FORMAT", `is ${quote(value)}, expected ${pattern.source}`);
    }
  }
}

/** Milliseconds, with a fraction; undefined when seconds and nanos contradict each other or leave their range. */
export function durationMs(value: Duration): number | undefined {
  const { seconds, nanos } = value;
  if (Math.abs(nanos) > 999_999_999 || (seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0)) return undefined;
  if (seconds > 315_576_000_000n || seconds < -315_576_000_000n) return undefined;
  return Number(seconds) * 1000 + nanos / 1e6;
}

function spell(ms: number): string {
  return Math.abs(ms) >= 1000 || ms === 0 ? `${Number((ms / 1000).toFixed(9))} s` : `${ms} ms`;
}
