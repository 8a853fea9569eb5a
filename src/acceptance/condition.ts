/** How the measured number is compared with the value. */
export type ConditionName =
  | "GREATER_THAN"
  | "GREATER_THAN_OR_EQUAL"
  | "LESS_THAN"
  | "LESS_THAN_OR_EQUAL"
  | "EQUAL"
  | "NOT_EQUAL";

interface Condition {
  readonly holds: (measured: number, value: number) => boolean;
  /** The condition in a sentence: "needs <words> <value>". */
  readonly words: string;
}

const conditions: Readonly<Record<ConditionName, Condition>> = {
  GREATER_THAN: { holds: (measured, value) => measured > value, words: "more than" },
  GREATER_THAN_OR_EQUAL: { holds: (measured, value) => measured >= value, words: "at least" },
  LESS_THAN: { holds: (measured, value) => measured < value, words: "less than" },
  LESS_THAN_OR_EQUAL: { holds: (measured, value) => measured <= value, words: "at most" },
  EQUAL: { holds: (measured, value) => measured === value, words: "exactly" },
  NOT_EQUAL: { holds: (measured, value) => measured !== value, words: "anything but" },
};

/** Every name a condition can have. */
export const CONDITION_NAMES = Object.keys(conditions) as ConditionName[];

/** "needs more than 2" */
export function describeNeed(name: ConditionName, value: number): string {
  return `needs ${conditions[name].words} ${value}`;
}

/** "more than 2 are needed" */
export function describeRequirement(name: ConditionName, value: number): string {
  return `${conditions[name].words} ${value} ${value === 1 ? "is" : "are"} needed`;
}

/**
 * Whether the condition holds for a number known to be one of from, from + 1, ..., to; undefined when it holds for some
 * of them and not for others. With `from` = `to` the number may be any.
 */
export function decide(name: ConditionName, value: number, from: number, to: number): boolean | undefined {
  const { holds } = conditions[name];
  const first = holds(from, value);
  if (first !== holds(to, value)) return undefined;
  // Both ends agree; only an equality can still turn between them.
  const between = from < value && value < to && Number.isInteger(value - from);
  return between && (name === "EQUAL" || name === "NOT_EQUAL") ? undefined : first;
}
