import { existsSync } from "node:fs";
import { join } from "node:path";
import { root, show } from "./programs.ts";

// npm run baseline: makes the present protos the contract that later ones may not break. CONTRIBUTING.md says when.

/** The image of the last released contract; `npm run check` compares the protos with it. */
const baseline = "proto/baseline.binpb";

/** Whether the baseline was renewed. A baseline that the present protos break is kept: renewing it would hide the break. */
async function renew(): Promise<boolean> {
  if (existsSync(join(root, baseline)) && !(await show("buf", ["breaking", "--against", baseline]))) {
    console.error(`Cannot renew "${baseline}": the protos break the released contract, as listed above`);
    return false;
  }
  return show("buf", ["build", "--exclude-source-info", "-o", baseline]);
}

process.exitCode = (await renew()) ? 0 : 1;
