import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { batchCheck } from "./batch-check.ts";
import { checkGrpc } from "./check-grpc.ts";
import { checkHttp } from "./check-http.ts";
import { checkStream } from "./check-stream.ts";
import { evaluation } from "./evaluation.ts";
import type { Figure } from "./figure.ts";
import { localAnswers } from "./local-answers.ts";
import { load, machine, versions } from "./machine.ts";
import { newsLatency } from "./news-latency.ts";
import { type Ends, startProgram } from "./program.ts";
import { printed, type Report } from "./report.ts";
import { scale } from "./scale.ts";
import { startScaleStage } from "./scale-stage.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { startStage } from "./stage.ts";
import { upstreamEconomy } from "./upstream-economy.ts";
import { watchFanOut } from "./watch-fan-out.ts";
import { watchStreams } from "./watch-streams.ts";

// npm run bench: measures, prints a table with every goal, and writes the same as JSON. It fails when something broke, and
// never because a figure misses its goal or the machine is slow.
//
// --scenario NAME  only this one; may be given several times
// --short          as little as shows that everything runs
// --json FILE      where the JSON goes, bench/results/<time>.json unless given

const SCENARIOS: readonly Scenario[] = [
  // One per line.
  upstreamEconomy,
  newsLatency,
  checkGrpc,
  checkStream,
  watchFanOut,
  watchStreams,
  batchCheck,
  checkHttp,
  evaluation,
  localAnswers,
  scale,
];

const { values } = parseArgs({
  options: {
    scenario: { type: "string", multiple: true },
    short: { type: "boolean", default: false },
    json: { type: "string" },
  },
});
const { short } = values;
const unknown = values.scenario?.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name)) ?? [];
if (unknown.length > 0) {
  const names = SCENARIOS.map(({ name }) => `"${name}"`).join(", ");
  console.error(`Cannot run scenario ${unknown.map((name) => `"${name}"`).join(", ")}: the scenarios are ${names}`);
  process.exit(2);
}

const interrupted = Promise.withResolvers<never>();
interrupted.promise.catch(() => {});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => interrupted.reject(new Error(`it was told to stop by ${signal}`)));
}

const start = performance.now();
const startedAt = new Date().toISOString();
const loadBefore = load();
const figures: Figure[] = [];
const broken: Record<string, string> = {};
for (const scenario of SCENARIOS) {
  if (values.scenario && !values.scenario.includes(scenario.name)) continue;
  say(`${scenario.name} begins`);
  try {
    figures.push(...(await runOne(scenario)));
  } catch (error) {
    broken[scenario.name] = error instanceof Error ? error.message : String(error);
  }
}

const report: Report = {
  startedAt,
  command: `npm run bench ${process.argv.length > 2 ? `-- ${process.argv.slice(2).join(" ")}` : ""}`.trim(),
  form: short ? "short" : "full",
  seconds: (performance.now() - start) / 1000,
  machine: machine(loadBefore),
  versions: versions(),
  figures,
  broken,
};
const path = values.json ?? join(import.meta.dirname, "results", `${startedAt.replaceAll(":", "-")}.json`);
await mkdir(dirname(path), { recursive: true });
await writeFile(path, `${JSON.stringify(report, null, 2)}\n`);
console.log(printed(report));
process.exit(Object.keys(broken).length > 0 ? 1 : 0);

/** Runs a scenario with programs of its own, which end with it; fails as soon as one of them ends by itself. */
async function runOne(scenario: Scenario): Promise<Figure[]> {
  await using ends = new AsyncDisposableStack();
  const died = Promise.withResolvers<never>();
  died.promise.catch(() => {});
  const until: Ends = { ends, onDied: died.reject };
  const bench: Bench = {
    short,
    say,
    ends,
    stage: (options) => startStage(options, until),
    program: (options) => startProgram(options, until),
    scaleStage: (size) => startScaleStage(size, until),
  };
  return await Promise.race([scenario.run(bench), died.promise, interrupted.promise]);
}

/** How far it is, apart from the report. */
function say(line: string): void {
  console.error(`${((performance.now() - start) / 1000).toFixed(0).padStart(5)} s  ${line}`);
}
