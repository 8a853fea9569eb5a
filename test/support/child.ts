import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Clients, openClients, type Way } from "./clients.ts";

type Line = Record<string, unknown>;

/** The service as a program of its own, as an operator runs it. */
export interface ServiceProcess {
  readonly pid: number;
  /** Everything it said, byte for byte; grows while it runs. */
  readonly said: { stdout: string; stderr: string };
  /** Log lines so far, oldest first. */
  readonly lines: readonly Line[];
  /** The first log line, past or to come, that is `wanted`; rejects when the process ends without. */
  line(wanted: (line: Line) => boolean): Promise<Line>;
  /** Exit code and signal. */
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  kill(signal: NodeJS.Signals): void;
}

export interface ReadyProcess extends ServiceProcess {
  readonly http: string;
  readonly grpc: string;
  by(way: Way): Clients;
  /** SIGTERM; resolves to the exit code. */
  stop(): Promise<number | null>;
}

const running = new Set<ChildProcess>();

/** Starts `src/main.ts` with nothing from this process's environment but what finds programs. */
export function spawnService(env: Record<string, string>): ServiceProcess {
  const { PATH = "", HOME = "" } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, "../../src/main.ts")], {
    env: { PATH, HOME, HTTP_PORT: "0", GRPC_PORT: "0", STORE_URL: "sqlite::memory:", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  const said = { stdout: "", stderr: "" };
  const lines: Line[] = [];
  const waiting = new Set<{ wanted: (line: Line) => boolean; resolve: (line: Line) => void }>();
  child.stdout.on("data", (chunk) => (said.stdout += chunk));
  child.stderr.on("data", (chunk) => (said.stderr += chunk));
  createInterface(child.stdout).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    for (const waiter of waiting) if (waiter.wanted(line) && waiting.delete(waiter)) waiter.resolve(line);
  });
  // "close" comes after the last line was heard.
  const exit = once(child, "close").then(([code, signal]) => {
    running.delete(child);
    return { code, signal };
  });
  return {
    pid: child.pid!,
    said,
    lines,
    exit,
    line(wanted) {
      const known = lines.find(wanted);
      if (known) return Promise.resolve(known);
      const { promise, resolve, reject } = Promise.withResolvers<Line>();
      waiting.add({ wanted, resolve });
      void exit.then(() => reject(new Error(`Cannot wait for a line: it ended, ${said.stdout}${said.stderr}`)));
      return promise;
    },
    kill: (signal) => void child.kill(signal),
  };
}

/** The same, once it is ready. */
export async function startProcess(env: Record<string, string>): Promise<ReadyProcess> {
  const child = spawnService(env);
  const { http, grpc } = (await child.line(({ msg }) => msg === "ready")) as { http: string; grpc: string };
  const opened = new Map<Way, ReturnType<typeof openClients>>();
  void child.exit.then(() => {
    for (const { close } of opened.values()) close();
  });
  return {
    ...child,
    http,
    grpc,
    by(way) {
      const clients = opened.get(way) ?? openClients(way, { http, grpc });
      opened.set(way, clients);
      return clients.clients;
    },
    async stop() {
      child.kill("SIGTERM");
      return (await child.exit).code;
    },
  };
}

/** For afterAll: ends what a failed test left behind. */
export function killLeftovers(): void {
  for (const child of running) child.kill("SIGKILL");
}
