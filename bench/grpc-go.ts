import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { isInstalled } from "./machine.ts";

// Where Debian's Go packages keep their sources.
const DEBIAN = "/usr/share/gocode";
const GRPC = join(DEBIAN, "src/google.golang.org/grpc");

/** Builds the peer in Go with Debian's packages; undefined where they are missing. */
export async function buildGrpcGo(ends: AsyncDisposableStack): Promise<string | undefined> {
  if (!isInstalled("go") || !existsSync(GRPC)) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "bench-go-"));
  ends.defer(() => rm(folder, { recursive: true }));
  const program = join(folder, "grpc-go");
  const source = join(import.meta.dirname, "peers/grpc-go/main.go");
  const env = { ...process.env, GO111MODULE: "off", GOPATH: DEBIAN, GOFLAGS: "", GOTOOLCHAIN: "local" };
  await promisify(execFile)("go", ["build", "-o", program, source], { env });
  return program;
}
