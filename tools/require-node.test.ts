import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

/** Runs a program that prints "ran" behind the guard, in a Node that says it is of that version. */
function runAs(version: string) {
  const pretend = `Object.defineProperty(process, "versions", { value: { node: ${JSON.stringify(version)} } });`;
  const guard = `require(${JSON.stringify(join(import.meta.dirname, "require-node.cjs"))});`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["-e", `${pretend}${guard}console.log("ran")`]);
  return { stdout: stdout.toString(), stderr: stderr.toString(), status };
}

test.each(["24.15.0", "24.21.0", "26.9.0"])("require-node lets a program run when Node is %s", (version) => {
  expect(runAs(version)).toEqual({ stdout: "ran\n", stderr: "", status: 0 });
});

test.each(["18.20.0", "24.14.9"])("require-node says what is needed when Node is %s", (version) => {
  const { stdout, stderr, status } = runAs(version);
  expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
  expect(stderr).toMatch(`this is Node "${version}", and ">=24.15" is needed`);
});
