import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedCodeIsCurrent } from "./generated-code.ts";
import { type Outcome, root, run } from "./programs.ts";
import { inexactVersions, longSources, looseLockEntries, machinePaths, type SourceFile } from "./repository-rules.ts";

// npm run check: every gate that a change must pass, all of them even when one fails, and a table at the end.

interface Gate {
  readonly name: string;
  readonly holds: () => Promise<Outcome>;
}

const gates: readonly Gate[] = [
  { name: "format and lint (biome)", holds: () => run("biome", ["ci", "--error-on-warnings", "--colors=off", "."]) },
  { name: "typed lint, import cycles (oxlint)", holds: () => run("oxlint", ["--deny-warnings"]) },
  { name: "types (tsc)", holds: () => run("tsc", ["-p", "."]) },
  { name: "import table", holds: () => run("vitest", ["run", "test/import-table.test.ts"]) },
  { name: "generated code is current", holds: generatedCodeIsCurrent },
  { name: "proto lint (buf)", holds: () => run("buf", ["lint"]) },
  { name: "proto format (buf)", holds: () => run("buf", ["format", "-d", "--exit-code"]) },
  { name: "proto breaks nobody (buf)", holds: () => run("buf", ["breaking", "--against", "proto/baseline.binpb"]) },
  { name: "dead code, unused packages (knip)", holds: () => run("knip", ["--treat-config-hints-as-errors"]) },
  { name: "source files are short", holds: async () => outcome(longSources(await repositoryFiles())) },
  { name: "no machine paths", holds: async () => outcome(machinePaths(await repositoryFiles(), root)) },
  { name: "exact versions", holds: async () => outcome(await inexact("package.json", "client/package.json")) },
  { name: "lock fits every registry", holds: async () => outcome(looseLockEntries(await json("package-lock.json"))) },
];

const results: { name: string; ok: boolean; seconds: string }[] = [];
for (const { name, holds } of gates) {
  const start = performance.now();
  const { ok, output } = await attempt(holds);
  results.push({ name, ok, seconds: ((performance.now() - start) / 1000).toFixed(1) });
  if (!ok) console.log(`--- ${name}\n${output}\n`);
}
for (const { name, ok, seconds } of results) {
  console.log(`${ok ? "ok    " : "FAILED"}  ${name.padEnd(36)} ${seconds.padStart(5)} s`);
}
process.exitCode = results.every(({ ok }) => ok) ? 0 : 1;

/** A gate that throws has failed and must not keep the others from being looked at. */
async function attempt(holds: Gate["holds"]): Promise<Outcome> {
  try {
    return await holds();
  } catch (error) {
    return { ok: false, output: String(error) };
  }
}

function outcome(problems: readonly string[]): Outcome {
  return { ok: problems.length === 0, output: problems.join("\n") };
}

async function inexact(...manifests: string[]): Promise<string[]> {
  return (await Promise.all(manifests.map(async (path) => inexactVersions(path, await json(path))))).flat();
}

/** Every file that is, or with the next commit could be, under version control. */
async function repositoryFiles(): Promise<SourceFile[]> {
  const { ok, output } = await run("git", [
    "ls-files",
    "-z",
    "--cached",
    "--others",
    "--exclude-standard",
    "--deduplicate",
  ]);
  if (!ok) throw new Error(`Cannot list the repository's files: ${output}`);
  const files = output.split("\0").filter((path) => path !== "");
  const read = files.map(async (path) => ({ path, text: await textOf(path) }));
  return (await Promise.all(read)).filter((file): file is SourceFile => file.text !== undefined);
}

/** The text of a file, or nothing for one that was deleted and not yet committed so. */
async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(root, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

async function json<T>(path: string): Promise<T> {
  return JSON.parse(await readFile(join(root, path), "utf8")) as T;
}
