import { parseArgs } from "node:util";
import { install, missingPackages } from "./debian-packages.ts";
import { show } from "./programs.ts";

// npm run test:all: the tests of `npm test`, those that take longer or need programs from Debian, which are installed first,
// and the short form of the benchmark, which fails when something breaks and never for its figures. What cannot be run
// here is named at the end and is a failure, so that green always means all of it.
//
// --interop         only what needs other programs, and the benchmark: neither the tests of `npm test`, which plays five
//                   minutes of the chaos hour, nor the hour itself
// --reports FOLDER  also write Vitest's JSON reports there

interface Part {
  readonly name: string;
  readonly packages: readonly string[];
  readonly test: string;
}

const protoc = ["protobuf-compiler", "libprotobuf-dev"];

const parts: readonly Part[] = [
  { name: "buf curl and grpc-js", packages: [], test: "test/interop/same-answer.test.ts" },
  {
    name: "Python client",
    packages: [...protoc, "protobuf-compiler-grpc", "python3-grpcio"],
    test: "test/interop/python.test.ts",
  },
  {
    name: "Go client",
    packages: [...protoc, "golang-go", "golang-google-grpc-dev", "golang-google-protobuf-dev", "golang-goprotobuf-dev"],
    test: "test/interop/go.test.ts",
  },
];

// h2load; the peer in Go takes what the Go client takes.
const benchPackages = ["nghttp2-client"];

const { values: options } = parseArgs({ options: { interop: { type: "boolean" }, reports: { type: "string" } } });

const nodeTestsPassed = options.interop || (await vitest("node", []));

const obstacle = await install([...new Set([...parts.flatMap(({ packages }) => packages), ...benchPackages])]);
const runnable: string[] = [];
const notRun: string[] = [];
for (const { name, packages, test } of parts) {
  const missing = await missingPackages(packages);
  if (missing.length === 0) runnable.push(test);
  else notRun.push(`NOT RUN: ${name}, for lack of the Debian packages ${missing.join(", ")}: ${obstacle}`);
}
const interopTestsPassed = await vitest("interop", ["--config", "vitest.all.config.ts", ...runnable]);
const hourPassed = options.interop || (await vitest("hour", ["--config", "vitest.all.config.ts", "test/chaos"]));
const lacking = await missingPackages(benchPackages);
if (lacking.length > 0) {
  notRun.push(`NOT RUN: a part of the benchmark, for lack of the Debian packages ${lacking.join(", ")}: ${obstacle}`);
}
// Alone, so that its figures say something.
const benchRan = await show("node", ["bench/run.ts", "--short"]);

for (const line of notRun) console.error(line);
process.exitCode = nodeTestsPassed && interopTestsPassed && hourPassed && benchRan && notRun.length === 0 ? 0 : 1;

function vitest(name: string, args: readonly string[]): Promise<boolean> {
  const report = options.reports
    ? ["--reporter=default", "--reporter=json", `--outputFile.json=${options.reports}/${name}.json`]
    : [];
  return show("vitest", ["run", ...args, ...report]);
}
