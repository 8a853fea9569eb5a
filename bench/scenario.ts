import type { Figure } from "./figure.ts";
import type { Program, ProgramOptions } from "./program.ts";
import type { ScaleStage } from "./scale-stage.ts";
import type { Stage, StageOptions } from "./stage.ts";

/** What a scenario runs with. */
export interface Bench {
  /** As little as shows that it runs. */
  readonly short: boolean;
  /** Says how far it is. */
  say(line: string): void;
  /** A service and a simulated RingCentral of their own; both end with the scenario. */
  stage(options: StageOptions): Promise<Stage>;
  /** The same for many users, with a store that outlives the service; what it starts ends with the scenario. */
  scaleStage(size: { destinations: number; connections: number }): Promise<ScaleStage>;
  /** What ends with the scenario, last first. */
  readonly ends: AsyncDisposableStack;
  /** A program, which ends with the scenario. */
  program<Ready extends object>(options: ProgramOptions): Promise<Program<Ready>>;
}

/** One thing that is measured. It throws when there is nothing to be measured: errors, or no answers. */
export interface Scenario {
  readonly name: string;
  run(bench: Bench): Promise<Figure[]>;
}
