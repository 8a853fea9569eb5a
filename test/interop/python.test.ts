import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describeForeignClient, type ForeignClient } from "./foreign-client.ts";
import { output } from "./program.ts";
import { protoc, scratchFolder } from "./protoc.ts";

// The system's Python: that is where the packages of tools/test-all.ts put grpcio.
const python = "/usr/bin/python3";

async function build(): Promise<ForeignClient> {
  const folder = await scratchFolder();
  await protoc([
    `--python_out=${folder}`,
    "--plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin",
    `--grpc_python_out=${folder}`,
  ]);
  const client = join(import.meta.dirname, "python/client.py");
  const env = { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
  return {
    ask: (script) => output(python, [client], { env, input: script }),
    remove: () => rm(folder, { recursive: true }),
  };
}

describeForeignClient("a Python client (grpcio)", build);
