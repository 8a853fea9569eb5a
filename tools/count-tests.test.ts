import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "reports-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function count(...reports: object[]) {
  for (const [index, report] of reports.entries()) writeFileSync(join(folder, `${index}.json`), JSON.stringify(report));
  const { stdout, status } = spawnSync(process.execPath, [join(import.meta.dirname, "count-tests.ts"), folder]);
  return { line: stdout.toString(), status };
}

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((result) => ({ status: result })),
});

test("count-tests adds up all reports when every test passed", () => {
  const first = { numPassedTests: 2, numFailedTests: 0, testResults: [file("passed", "passed", "passed")] };
  const second = { numPassedTests: 1, numFailedTests: 0, testResults: [file("passed", "passed")] };
  expect(count(first, second)).toEqual({ line: "3 passed, 0 failed\n", status: 0 });
});

test("count-tests counts a file that could not be run as one failure", () => {
  const results = [file("failed", "passed", "failed"), file("failed"), file("failed", "skipped", "skipped")];
  const report = { numPassedTests: 1, numFailedTests: 1, testResults: results };
  expect(count(report)).toEqual({ line: "1 passed, 3 failed\n", status: 1 });
});

test("count-tests fails when nothing was run", () => {
  expect(count()).toEqual({ line: "0 passed, 0 failed\n", status: 1 });
});
