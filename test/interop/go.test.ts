import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeForeignClient, type ForeignClient } from "./foreign-client.ts";
import { output } from "./program.ts";
import { protoc, scratchFolder } from "./protoc.ts";

// Where Debian's Go packages keep their sources.
const debian = "/usr/share/gocode";

// Debian's protoc-gen-go knows no `optional`; the packaged sources hold a newer one, which is built here.
const plugins = {
  "protoc-gen-go": "google.golang.org/protobuf/cmd/protoc-gen-go",
  "protoc-gen-go-grpc": "google.golang.org/grpc/cmd/protoc-gen-go-grpc",
};

async function build(): Promise<ForeignClient> {
  const folder = await scratchFolder();
  const env = { GO111MODULE: "off", GOPATH: `${folder}:${debian}`, GOFLAGS: "", GOTOOLCHAIN: "local" };
  const sources = join(folder, "src");
  await mkdir(sources);
  for (const [name, source] of Object.entries(plugins)) {
    await output("go", ["build", "-o", join(folder, name), source], { env });
  }
  await protoc([
    ...Object.keys(plugins).map((name) => `--plugin=${name}=${join(folder, name)}`),
    `--go_out=${sources}`,
    `--go-grpc_out=${sources}`,
  ]);
  const client = join(folder, "client");
  await output("go", ["build", "-o", client, join(import.meta.dirname, "go/main.go")], { env });
  return { ask: (script) => output(client, [], { input: script }), remove: () => rm(folder, { recursive: true }) };
}

describeForeignClient("a Go client (grpc-go)", build);
