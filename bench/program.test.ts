import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { startProgram } from "./program.ts";

let ends = new AsyncDisposableStack();
afterEach(() => ends.disposeAsync());

/** A program that says what it is told, and its own environment when it is ready. */
const ECHO = `
  import { createInterface } from "node:readline";
  console.log(JSON.stringify({ ready: true, WHAT: process.env.WHAT, args: process.argv.slice(2) }));
  createInterface(process.stdin).on("line", (line) => console.log(line));
`;

async function program(text: string, onDied: (error: Error) => void = () => {}) {
  ends = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-program-"));
  ends.defer(() => rm(folder, { recursive: true }));
  const path = join(folder, "program.ts");
  await writeFile(path, text);
  const options = { name: "echo", program: path, args: ["a"], env: { WHAT: "b" }, side: "load" as const };
  return startProgram<{ WHAT: string; args: string[] }>(options, { ends, onDied });
}

test("startProgram() gives what the program said first, and ask() what it answers to each command", async () => {
  const { ready, ask, usage } = await program(ECHO);
  expect(ready).toMatchObject({ WHAT: "b", args: ["a"] });
  expect(await ask({ one: 1 })).toEqual({ one: 1 });
  expect(await ask({ two: 2 })).toEqual({ two: 2 });
  expect(usage().rssBytes).toBeGreaterThan(0);
});

test("ask() rejects with the error that the program answers", async () => {
  const { ask } = await program(ECHO);
  await expect(ask({ error: "no way" })).rejects.toThrow("The echo failed: no way");
});

test("startProgram() tells of a program that ends by itself", async () => {
  const died = Promise.withResolvers<Error>();
  await program('console.log("{\\"ready\\":true}"); setTimeout(() => process.exit(3), 10);', died.resolve);
  expect((await died.promise).message).toContain("The echo ended by itself (exit 3)");
});
