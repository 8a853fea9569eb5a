import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

// Prints "N passed, N failed" over all JSON reports of Vitest in the folder named, and ends with 1 when any failed.

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  /** One per file; a file that could not be loaded has failed without a test of its own. */
  readonly testResults: readonly { status: string; assertionResults: readonly { status: string }[] }[];
}

const folder = process.argv[2] ?? ".";
let passed = 0;
let failed = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith(".json"))) {
  const report = JSON.parse(readFileSync(join(folder, name), "utf8")) as Report;
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === "failed" && !assertionResults.some((test) => test.status === "failed"),
  );
  passed += report.numPassedTests;
  failed += report.numFailedTests + broken.length;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
