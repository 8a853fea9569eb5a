import type { Clock } from "../../lib/clock.ts";
import { Budget } from "./budget.ts";
import type { UsageGroup } from "./usage-group.ts";

/** Budgets holds the budget of every budget key and usage group that something is counted in. */
export class Budgets {
  readonly #clock: Clock;
  readonly #budgets = new Map<string, Budget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(key: string, group: UsageGroup): Budget {
    const name = nameOf(key, group);
    let budget = this.#budgets.get(name);
    if (!budget) {
      budget = new Budget(group, this.#clock);
      this.#budgets.set(name, budget);
    }
    return budget;
  }

  /** What was counted under `from` turns out to count under `to`. */
  move(from: string, to: string): void {
    for (const group of ["light", "medium", "heavy", "auth"] as const) {
      const before = this.#budgets.get(nameOf(from, group));
      if (!before) continue;
      this.#budgets.delete(nameOf(from, group));
      this.get(to, group).absorb(before);
    }
  }

  /** The groups of a key of which something is known. */
  of(key: string): readonly Budget[] {
    return (["light", "medium", "heavy", "auth"] as const).flatMap(
      (group) => this.#budgets.get(nameOf(key, group)) ?? [],
    );
  }

  /** Forgets keys that nobody uses, once nothing of what was spent counts any more. */
  sweep(inUse: (key: string) => boolean): void {
    for (const [name, budget] of this.#budgets) {
      if (budget.idle && !inUse(name.slice(0, name.lastIndexOf("/")))) this.#budgets.delete(name);
    }
  }
}

function nameOf(key: string, group: UsageGroup): string {
  return `${key}/${group}`;
}
