import { execFile } from "node:child_process";
import { cp, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";

// The client as others install it: built, packed, unpacked, and used by a program that knows nothing of this repository.

const run = promisify(execFile);
const root = join(import.meta.dirname, "..");
const bin = join(root, "node_modules", ".bin");
const NAME = "agent-availability-client";

let service: RunningService;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let consumer: string;
beforeAll(async () => {
  directory = await temporaryDirectory();
  service = await startService({ simulator: { queues: 1, agents: 2 } });
  consumer = await install(directory.path);
}, 60_000);
afterAll(async () => {
  await service.stop();
  await directory.remove();
});

/** Builds and packs the client, and makes a project of it that has what its README's example needs. */
async function install(path: string): Promise<string> {
  const built = join(path, "built");
  await cp(join(root, "client"), built, { recursive: true, filter: (from) => !/\/(dist|src)$/.test(from) });
  await run(join(bin, "tsc"), ["-p", join(root, "client"), "--outDir", join(built, "dist")]);
  await run("npm", ["pack", "--pack-destination", path], { cwd: built });
  const packed = (await readdir(path)).find((name) => name.endsWith(".tgz"))!;
  const project = join(path, "consumer");
  const modules = join(project, "node_modules");
  await mkdir(join(modules, NAME), { recursive: true });
  await run("tar", ["-xzf", join(path, packed), "-C", join(modules, NAME), "--strip-components=1"]);
  for (const name of ["@bufbuild", "@connectrpc", "@types"]) {
    await symlink(join(root, "node_modules", name), join(modules, name), "dir");
  }
  await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
  return project;
}

test("the package has what it needs, and the versions of this repository", async () => {
  const json = async (path: string) => JSON.parse(await readFile(path, "utf8"));
  const [packed, own] = [
    await json(join(consumer, "node_modules", NAME, "package.json")),
    await json(join(root, "package.json")),
  ];
  expect(packed).toMatchObject({ name: NAME, version: own.version, license: own.license });
  for (const [name, version] of Object.entries(packed.dependencies)) expect(own.dependencies[name], name).toBe(version);
  const files = await readdir(join(consumer, "node_modules", NAME), { recursive: true });
  expect(files).toEqual(expect.arrayContaining(["README.md", "LICENSE", "dist/client/src/availability-client.d.ts"]));
  expect(files.filter((name) => /(^|\/)test-|\.test\.|(?<!\.d)\.ts$/.test(name))).toEqual([]);
});

test("the README's example runs as it stands, against a service", async () => {
  await service.configure({ id: "sales" });
  const readme = await readFile(join(root, "client", "README.md"), "utf8");
  const example = /```js\n([\s\S]*?)```/.exec(readme)![1]!;
  expect(example).toContain("127.0.0.1:50051");
  await writeFile(join(consumer, "example.js"), example.replace("127.0.0.1:50051", service.grpc));
  const { stdout, stderr } = await run(process.execPath, ["example.js"], { cwd: consumer });
  expect(stdout).toBe("send the call: 2 records match, needs more than 0\n");
  expect(stderr).toBe("availability is READY\navailability is DISCONNECTED\n");
});

test("a plain JavaScript program is answered from memory", async () => {
  const id = await service.configure({ id: "program" });
  await writeFile(
    join(consumer, "program.js"),
    `import { createConnectTransport } from "@connectrpc/connect-node";
     import { createAvailabilityClient, Reason } from "${NAME}";
     const transport = createConnectTransport({ baseUrl: "http://${service.http}", httpVersion: "1.1" });
     const client = createAvailabilityClient({ transport });
     await client.ready;
     await client.check("${id}", { maxAgeMs: 0 });
     let answer;
     do {
       await new Promise((resolve) => setTimeout(resolve, 5));
       answer = client.check("${id}", { maxAgeMs: 30_000 });
     } while (answer instanceof Promise && (await answer));
     console.log(client.state, answer.accepted, answer.reason === Reason.CRITERIA_MET);
     client.close();`,
  );
  const { stdout } = await run(process.execPath, ["program.js"], { cwd: consumer });
  expect(stdout).toBe("READY true true\n");
});

test("a TypeScript program is checked against the package's types", async () => {
  await writeFile(
    join(consumer, "program.ts"),
    `import type { Transport } from "@connectrpc/connect";
     import { type Availability, createAvailabilityClient, OptionsError, Verdict } from "${NAME}";
     import { AvailabilityService } from "${NAME}/gen/availability/v1/availability_service_pb";
     declare const transport: Transport;
     const client = createAvailabilityClient({ transport, labelSelector: { region: "eu" }, maxAgeMs: 5000 });
     const answer: Availability = await client.check("sales", { maxAgeMs: 2000 });
     export const sure: boolean = answer.verdict === Verdict.ACCEPTED && client.smallestMaxAgeMs < 2000;
     export const name: string = AvailabilityService.typeName;
     export const fields = (error: OptionsError): string[] => error.violations.map(({ field }) => field);
     // @ts-expect-error there is no such option
     createAvailabilityClient({ transport, maxAge: 5 });
     // @ts-expect-error it may be a promise
     export const accepted: boolean = client.check("sales").accepted;`,
  );
  const compilerOptions = {
    module: "nodenext",
    target: "esnext",
    // Connect's types are written for browsers too.
    lib: ["esnext", "dom"],
    types: ["node"],
    strict: true,
    noEmit: true,
  };
  await writeFile(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }));
  const { stdout } = await run(join(bin, "tsc"), ["-p", "."], { cwd: consumer }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toBe("");
});
