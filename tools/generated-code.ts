import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { type Outcome, root, run } from "./programs.ts";

/** Ok when gen/ is byte for byte what `npm run generate` would write now; else names every file that differs. */
export async function generatedCodeIsCurrent(): Promise<Outcome> {
  const scratch = await mkdtemp(join(tmpdir(), "generated-"));
  try {
    const generated = await run("buf", ["generate", "-o", scratch]);
    if (!generated.ok) return generated;
    const problems = compare(await contents(join(root, "gen")), await contents(join(scratch, "gen")));
    return { ok: problems.length === 0, output: problems.join("\n") };
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/** One line for every file of gen/ that is missing, changed or left over; both maps hold text by path. */
export function compare(present: ReadonlyMap<string, string>, expected: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  for (const [path, text] of expected) {
    if (!present.has(path)) problems.push(`gen/${path} is missing: run "npm run generate"`);
    else if (present.get(path) !== text) problems.push(`gen/${path} is not current: run "npm run generate"`);
  }
  for (const path of present.keys()) {
    if (!expected.has(path)) problems.push(`gen/${path} has no proto any more: run "npm run generate"`);
  }
  return problems;
}

async function contents(folder: string): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(relative(folder, path), await readFile(path, "utf8"));
  }
  return files;
}
