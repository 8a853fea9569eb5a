import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { output } from "./program.ts";

const protos = join(import.meta.dirname, "../../proto");

/** Runs protoc over the whole contract, with google's well-known types and nothing else to import. */
export async function protoc(options: readonly string[]): Promise<void> {
  const files = (await readdir(protos, { recursive: true })).filter((path) => path.endsWith(".proto"));
  await output("protoc", ["-I", protos, ...options, ...files]);
}

/** A new folder outside the repository, for what a test builds. */
export function scratchFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), "interop-"));
}
