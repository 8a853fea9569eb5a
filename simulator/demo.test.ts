import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";

let directory: string;
let running: ChildProcess | undefined;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "demo-test-"));
});
afterEach(async () => {
  running?.kill("SIGTERM");
  await rm(directory, { recursive: true });
});

/** Runs the demo with a program of the test's own as the service. */
async function demoWith(service: string, ...args: string[]) {
  const path = join(directory, "service.mjs");
  await writeFile(path, service);
  const demo = spawn(process.execPath, [`${import.meta.dirname}/demo.ts`, "--service", path, ...args], {
    env: { ...process.env, REPORT: join(directory, "report") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running = demo;
  demo.stdout.resume();
  return { demo, exit: once(demo, "exit"), stderr: text(demo.stderr) };
}

test("demo.ts ends with the last words of a child that dies", async () => {
  const { exit, stderr } = await demoWith('console.error("no room on this disk"); process.exitCode = 3;');
  expect(await exit).toEqual([1, null]);
  expect(await stderr).toBe("The service ended by itself (exit 3):\nno room on this disk\n");
});

// The "service" tells its pid and its environment through a file, and would live on for an hour.
const PATIENT = `
  import { renameSync, writeFileSync } from "node:fs";
  const { STORE_URL, UPSTREAM_ALLOW, HTTP_PORT } = process.env;
  writeFileSync(process.env.REPORT + "~", JSON.stringify({ pid: process.pid, STORE_URL, UPSTREAM_ALLOW, HTTP_PORT }));
  renameSync(process.env.REPORT + "~", process.env.REPORT);
  setTimeout(() => {}, 3_600_000);
  process.on("SIGTERM", () => process.exit(0));
`;

async function report() {
  const read = () => readFile(join(directory, "report"), "utf8").catch(() => "");
  await expect.poll(read, { timeout: 15_000 }).not.toBe("");
  return JSON.parse(await read()) as { pid: number; STORE_URL: string; UPSTREAM_ALLOW: string; HTTP_PORT: string };
}

test("demo.ts stops its children and exits 0 when it gets SIGTERM", async () => {
  const { demo, exit, stderr } = await demoWith(PATIENT);
  const { pid, STORE_URL, UPSTREAM_ALLOW, HTTP_PORT } = await report();
  expect(STORE_URL).toMatch(/^sqlite:\/.*availability\.db$/);
  expect(["8080", "0"]).toContain(HTTP_PORT);
  const answer = await fetch(`${UPSTREAM_ALLOW}/simulator/state`);
  expect(answer.status).toBe(200);

  demo.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  expect(await stderr).toBe("");
  expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  await expect(fetch(`${UPSTREAM_ALLOW}/simulator/state`)).rejects.toThrow("fetch failed");
});

test("demo.ts ends by itself and exits 0 when given seconds", async () => {
  const { exit } = await demoWith(PATIENT, "--seconds", "1");
  expect(await exit).toEqual([0, null]);
});
