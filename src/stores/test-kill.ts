import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished } from "vitest";

const LIVES = 5;

/** What was acknowledged of one id: a revision, and a name or "deleted". */
export interface Acknowledged {
  readonly revision: bigint;
  readonly state: string;
}

/**
 * Runs a program again and again on one store and kills it -9 at a moment of chance. It is given the store's path and
 * the number to begin at, and prints `<number> <id> <revision> <state>` for each write once it is acknowledged. After
 * each life `check` says how many ids are ahead of what was acknowledged: at most the one that was under way.
 */
export async function killAgainAndAgain(
  program: string,
  check: (given: { path: string; acknowledged: Map<string, Acknowledged>; underWay: number }) => Promise<number>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "kill-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "store.db");
  const acknowledged = new Map<string, Acknowledged>();
  let n = 0;
  for (let life = 0; life < LIVES; life++) {
    const args = ["--input-type=module", "-e", program, path, String(n + 1)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const last = n + 20 + Math.floor(Math.random() * 100);
    for await (const line of createInterface(child.stdout)) {
      const [count, id = "", revision = "", state = ""] = line.split(" ");
      n = Number(count);
      acknowledged.set(id, { revision: BigInt(revision), state });
      if (n === last) child.kill("SIGKILL");
    }
    expect(n).toBeGreaterThanOrEqual(last);
    expect(await check({ path, acknowledged, underWay: n + 1 })).toBeLessThanOrEqual(1);
    n += 1;
  }
}

/**
 * Compares an id's state in the store with what was acknowledged and answers 1 when it is one write ahead, which is
 * then taken for acknowledged. `found` is undefined for what is not there.
 */
export function oneAhead(acknowledged: Map<string, Acknowledged>, id: string, found: Acknowledged | undefined): 0 | 1 {
  const { revision, state } = acknowledged.get(id)!;
  const now = found ?? { revision, state: "deleted" };
  if (now.revision === revision && now.state === state) return 0;
  expect(now.revision).toBe(now.state === "deleted" ? revision : revision + 1n);
  acknowledged.set(id, now);
  return 1;
}
