import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { dirname, join } from "node:path";
import manifest from "../package.json" with { type: "json" };

/** Where a run was made. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
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
    loadBefore: rounded(loadBefore),
    loadAfter: rounded(load()),
  };
}

export function load(): number {
  return loadavg()[0] ?? 0;
}

const LIBRARIES = ["@grpc/grpc-js", "@connectrpc/connect-node", "@bufbuild/protobuf", "undici", "ws"];

/** Versions of the service, of Node and of the libraries that carry messages. */
export function versions(): Record<string, string> {
  const installed = LIBRARIES.map((name) => [name, versionOf(name)]);
  return { service: manifest.version, node: process.versions.node, ...Object.fromEntries(installed) };
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
