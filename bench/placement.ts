import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Which side of a measurement a program is on: what is measured, or what only asks. */
export type Side = "server" | "load";

const CORES = availableParallelism();

/** Whether servers get a core of their own: with two cores at least, and where Linux's taskset is. */
export const isPinned = CORES > 1 && spawnSync("taskset", ["--version"]).status === 0;

/** What stands before a command so that it runs on the first core, or on the others. */
export function placed(side: Side): readonly string[] {
  if (!isPinned) return [];
  return ["taskset", "--cpu-list", side === "server" ? "0" : CORES === 2 ? "1" : `1-${CORES - 1}`];
}
