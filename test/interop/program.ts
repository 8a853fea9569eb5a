import { spawn } from "node:child_process";

/** Runs a program to its end and resolves to its stdout; rejects with its stderr when it fails. */
export function output(
  program: string,
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { ...process.env, ...options.env }, stdio: "pipe" });
    const [stdout, stderr] = [[] as Buffer[], [] as Buffer[]];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error) => reject(new Error(`Cannot start "${program}": ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(stdout).toString());
      else reject(new Error(`Cannot run "${program}": it ended with ${code}, ${Buffer.concat(stderr).toString()}`));
    });
    // A program that ends without reading its input says why on stderr; the broken pipe says nothing more.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
  });
}
