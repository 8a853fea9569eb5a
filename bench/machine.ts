import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { isPinned } from "./placement.ts";

/** Where a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Whether servers had a core of their own where a scenario asks for it. */
  readonly pinned: boolean;
  /** Load averages of one minute: what else the machine had to do. */
  readonly loadBefore: number;
  readonly loadAfter: number;
}

export function machine(loadBefore: number): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    pinned: isPinned,
    loadBefore: rounded(loadBefore),
    loadAfter: rounded(load()),
  };
}

export function load(): number {
  return loadavg()[0] ?? 0;
}

const LIBRARIES = ["@grpc/grpc-js", "@connectrpc/connect-node", "@bufbuild/protobuf", "undici", "ws"];

/** Versions of the service, of Node, of the libraries that carry messages, and of the programs beside which it is measured. */
export function versions(): Record<string, string> {
  const installed = LIBRARIES.map((name) => [name, versionOf(name)]);
  const programs = Object.entries(PROGRAMS).map(([name, command]) => [name, said(command) ?? "is not installed"]);
  return {
    service: manifest.version,
    node: process.versions.node,
    ...Object.fromEntries([...installed, ...programs]),
  };
}

const PROGRAMS = {
  h2load: ["h2load", "--version"],
  go: ["go", "version"],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg fills this in.
  "grpc-go": ["dpkg-query", "--show", "--showformat=${Version}", "golang-google-grpc-dev"],
} as const;

/** Whether a program can be run here. */
export function isInstalled(program: "h2load" | "go"): boolean {
  return said(PROGRAMS[program]) !== undefined;
}

/** The first number of several parts that a program prints; undefined when there is no such program. */
function said([program, ...args]: readonly [string, ...string[]]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? (/\d+(?:\.\d+)+/.exec(stdout)?.[0] ?? "unknown") : undefined;
}

function versionOf(name: string): string {
  // The first folder on the way up whose package.json has a version: not every library lets its own be imported.
  let folder = dirname(createRequire(import.meta.url).resolve(name));
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const { name: found, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      if (found === name && version) return version;
    } catch {}
  }
  return "unknown";
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
