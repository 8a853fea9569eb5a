import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A service in a process of its own, as an operator starts it. */
export interface RunningService {
  /** Address of the gRPC port, for example 127.0.0.1:41235. */
  readonly grpc: string;
  /** Address of the HTTP port. */
  readonly http: string;
  /** Ends it as an operator does; rejects when it does not end by itself with 0. */
  stop(): Promise<void>;
}

interface Ready {
  readonly msg?: string;
  readonly grpc: string;
  readonly http: string;
}

/** Starts the service on free ports with an empty store, allowed to call `upstream`; resolves when it says that it is ready. */
export async function startService(upstream: string): Promise<RunningService> {
  const main = join(import.meta.dirname, "../../src/main.ts");
  const child = spawn(process.execPath, [main], {
    env: { ...process.env, HTTP_PORT: "0", GRPC_PORT: "0", STORE_URL: "sqlite::memory:", UPSTREAM_ALLOW: upstream },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "exit");
  const said: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  for await (const line of createInterface(child.stdout)) {
    said.push(line);
    const ready = readyLine(line);
    if (!ready) continue;
    child.stdout.resume();
    return {
      grpc: ready.grpc,
      http: ready.http,
      async stop() {
        child.kill("SIGTERM");
        const [code] = await ended;
        if (code !== 0) throw new Error(`Cannot stop the service: it ended with "${code}", ${said.join("\n")}`);
      },
    };
  }
  throw new Error(`Cannot start the service: ${said.join("\n")}`);
}

function readyLine(line: string): Ready | undefined {
  if (!line.startsWith("{")) return undefined;
  const entry = JSON.parse(line) as Ready;
  return entry.msg === "ready" ? entry : undefined;
}
