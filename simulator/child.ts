import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A program of the demo or of the benchmark, running. */
export interface Child<Ready> {
  /** Its process; undefined when it could not be started. */
  readonly pid: number | undefined;
  /** What it said when it was ready; rejects with its last words when it dies before. */
  readonly ready: Promise<Ready>;
  /** Rejects with its last words when it dies without being told to; never resolves. */
  readonly died: Promise<never>;
  /** Writes a line to its stdin. */
  tell(line: string): void;
  /** Asks it to end (SIGTERM) and waits; SIGKILL, and an error, when it takes over ten seconds. */
  stop(): Promise<void>;
}

const LAST_WORDS = 15;
const PATIENCE_MS = 10_000;

interface ChildOptions {
  /** This process's own unless set. */
  readonly env?: NodeJS.ProcessEnv;
  /** The program and what stands before its arguments; this Node unless set. */
  readonly command?: readonly [string, ...string[]];
  /** Hears every line of JSON on stdout, the one that says it is ready too. */
  readonly onSaid?: (line: Record<string, unknown>) => void;
}

/** Starts a program whose lines on stdout are JSON; it is ready when `readyFrom` makes something of a line. */
export function startChild<Ready>(
  name: string,
  args: readonly string[],
  readyFrom: (line: Record<string, unknown>) => Ready | undefined,
  { env = process.env, command = [process.execPath], onSaid }: ChildOptions = {},
): Child<Ready> {
  const [program, ...before] = command;
  const child = spawn(program, [...before, ...args], { env, stdio: "pipe" });
  const words: string[] = [];
  const { promise: ready, resolve, reject } = Promise.withResolvers<Ready>();
  const hear = (line: string) => {
    words.push(line);
    if (words.length > LAST_WORDS) words.shift();
  };
  createInterface(child.stderr).on("line", hear);
  createInterface(child.stdout).on("line", (line) => {
    hear(line);
    const said = parsed(line);
    onSaid?.(said);
    const readied = readyFrom(said);
    if (readied !== undefined) resolve(readied);
  });
  // Whoever ended says why by other ways; the broken pipe says nothing more.
  child.stdin.on("error", () => {});

  let told = false;
  const died = new Promise<never>((_, fail) => {
    child.once("error", fail);
    // "close" comes after the last line was heard, "exit" may come before.
    child.once("close", (code, signal) => {
      if (!told) fail(new Error(`The ${name} ended by itself (${signal ?? `exit ${code}`}):\n${words.join("\n")}`));
    });
  });
  died.catch(reject);
  ready.catch(() => {}); // Also told by `died`, and nobody may be waiting any more.

  return {
    pid: child.pid,
    ready,
    died,
    tell: (line) => void child.stdin.write(`${line}\n`),
    stop() {
      told = true;
      return stop(child, name);
    },
  };
}

async function stop(child: ChildProcess, name: string): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  child.once("exit", () => resolve());
  const impatient = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
  child.kill("SIGTERM");
  await ended;
  clearTimeout(impatient);
  if (child.signalCode === "SIGKILL")
    throw new Error(`Cannot stop the ${name}: it did not end in ${PATIENCE_MS / 1000} s`);
}

function parsed(line: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
