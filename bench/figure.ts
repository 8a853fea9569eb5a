import type { Spread } from "./statistics.ts";

/** What a figure should be. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** One line of the report. */
export interface Figure {
  readonly scenario: string;
  readonly name: string;
  /** NaN when it could not be measured. */
  readonly value: number;
  /** For example "ms" or "%"; empty for a count. */
  readonly unit: string;
  /** Of the rounds, where there were several. */
  readonly spread?: Spread;
  readonly goal?: Goal;
  /** The figure period by period, oldest first, in the same unit. */
  readonly series?: readonly number[];
  /** What else was measured, by name with unit. */
  readonly more?: Readonly<Record<string, number>>;
  /** What the figure holds for, and why it misses its goal. */
  readonly note?: string;
}

/** Whether a figure is what it should be; undefined where nothing is asked of it. What was not measured misses its goal. */
export function meets({ value, goal }: Figure): boolean | undefined {
  if (!goal) return undefined;
  return "atMost" in goal ? value <= goal.atMost : value >= goal.atLeast;
}
