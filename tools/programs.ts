import { spawn } from "node:child_process";
import { delimiter, join } from "node:path";

/** The repository's top folder. */
export const root = join(import.meta.dirname, "..");

const bin = join(root, "node_modules", ".bin");

/** The environment for every program that a tool starts: what `npm ci` installed comes first, the pinned Node included. */
export const environment: NodeJS.ProcessEnv = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ""}` };

/** How a program ended and what it printed, stdout and stderr in the order they came. */
export interface Outcome {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a program at the repository's top and keeps what it prints. It never throws: a program that is missing is not ok. */
export function run(program: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...environment, ...extra },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (error) => resolve({ ok: false, output: `Cannot start "${program}": ${error.message}` }));
    child.on("close", (code) => resolve({ ok: code === 0, output: Buffer.concat(chunks).toString().trim() }));
  });
}

/** Runs a program at the repository's top with its output going straight to the terminal; resolves whether it ended with 0. */
export function show(program: string, args: readonly string[], extra: NodeJS.ProcessEnv = {}): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...environment, ...extra },
      stdio: ["ignore", "inherit", "inherit"],
    });
    child.on("error", (error) => {
      console.error(`Cannot start "${program}": ${error.message}`);
      resolve(false);
    });
    child.on("close", (code) => resolve(code === 0));
  });
}
