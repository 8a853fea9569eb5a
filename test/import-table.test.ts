import { readdirSync, readFileSync } from "node:fs";
import { join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

// The rooms of the service, low to high. A file imports from its own room and from lower ones.
const rooms = [
  "lib", // what any room may need: clock, errors, secrets
  "telemetry", // one function per event: log line and metric
  "acceptance", // is what RingCentral said good enough
  "templates", // how to ask
  "upstream", // asking, over HTTP
  "stores", // keys, revisions, bytes
  "connections", // who asks: credentials, named connections
  "destinations", // what can be asked about
  "ringcentral", // connections, budget, tables
  "presence", // what it said, and how old that is
  "availability", // the answer
  "rpc", // the edge
  "app", // main.ts, app.ts, settings.ts: put it all together
];

// What only the named rooms import, so that a room can be understood, and its library replaced, by itself.
const onlyIn: Readonly<Record<string, readonly string[]>> = {
  gen: ["connections", "destinations", "rpc"],
  "@bufbuild/protobuf": ["connections", "destinations", "rpc"],
  "@connectrpc/": ["rpc"],
  "@grpc/": ["rpc"],
  "grpc-health-check": ["rpc"],
  "@opentelemetry/sdk-": ["telemetry", "app"],
  "@opentelemetry/exporter-": ["telemetry", "app"],
  pino: ["telemetry"],
  re2js: ["acceptance"],
  undici: ["upstream", "ringcentral"],
  "node:sqlite": ["stores"],
  "node:worker_threads": ["acceptance", "stores"],
  "node:http": ["telemetry", "rpc", "app"],
  "node:http2": ["telemetry", "rpc", "app"],
  "node:net": ["lib", "upstream", "rpc", "app"],
};

// What the published client depends on: in browsers too, so nothing of Node's.
const clientRunsOn = ["@bufbuild/protobuf", "@connectrpc/connect"];

// Names that say nothing about what is inside, and hide edges of the import graph.
const emptyName = /(^|\/)(utils?|helpers?|common|misc|shared|types|index)\.ts$/;

describe("the import table", () => {
  test("holds in every file of src/", () => {
    expect(sources("src").flatMap(violations)).toEqual([]);
  });

  test("keeps the simulator and the tools apart from the service", () => {
    expect([...sources("simulator"), ...sources("tools")].flatMap(violations)).toEqual([]);
  });

  test("keeps the client apart from all but the contract", () => {
    expect(sources("client/src").flatMap(violations)).toEqual([]);
    const text = ['import { sleep } from "../../src/lib/clock.ts";', 'import { Agent } from "node:http";'].join("\n");
    expect(violations({ path: "client/src/feed.ts", text })).toEqual([
      'client/src/feed.ts imports "../../src/lib/clock.ts": it is outside client',
      'client/src/feed.ts imports "node:http": the client runs on @bufbuild/protobuf, @connectrpc/connect alone',
    ]);
    expect(violations({ path: "src/app.ts", text: 'import "../client/src/feed.ts";' })).toEqual([
      'src/app.ts imports "../client/src/feed.ts": it is outside src',
    ]);
  });

  test("finds each kind of import when the table forbids it", () => {
    const text = [
      'const first = 1; import { app } from "../app.ts";',
      'import type {\n  Availability,\n} from "../../gen/availability/v1/availability_pb.ts";',
      'export { sleep } from "../lib/clock.ts";',
      'export * from "../rpc/errors.ts";',
      'import "undici";',
      'const later = await import("../presence/read.ts");',
      'type Later = import("../presence/snapshot.ts").Snapshot;',
      'new Worker(new URL("../acceptance/worker.ts", import.meta.url));',
      'new Worker(new URL("../presence/worker.ts", import.meta.url));',
      'import { startSimulator } from "../../simulator/server.ts";',
      'import { TestClock } from "../lib/test-clock.ts";',
    ].join("\n");
    expect(violations({ path: "src/stores/x.ts", text })).toEqual([
      'src/stores/x.ts imports "../app.ts": app is above stores',
      'src/stores/x.ts imports "../../gen/availability/v1/availability_pb.ts": gen is for connections, destinations, rpc',
      'src/stores/x.ts imports "../rpc/errors.ts": rpc is above stores',
      'src/stores/x.ts imports "../../simulator/server.ts": it is outside src',
      'src/stores/x.ts imports "../lib/test-clock.ts": it is for tests',
      'src/stores/x.ts imports "undici": undici is for upstream, ringcentral',
      'src/stores/x.ts imports "../presence/read.ts": presence is above stores',
      'src/stores/x.ts imports "../presence/snapshot.ts": presence is above stores',
      'src/stores/x.ts imports "../presence/worker.ts": presence is above stores',
    ]);
  });

  test("finds a simulator that knows the service, a file name that says nothing and a room without a line", () => {
    const service = 'import { createCheck } from "../src/availability/check.ts";';
    expect(violations({ path: "simulator/server.ts", text: service })).toEqual([
      'simulator/server.ts imports "../src/availability/check.ts": it is outside simulator',
    ]);
    expect(violations({ path: "src/lib/utils.ts", text: "" })).toEqual(["src/lib/utils.ts: the name says nothing"]);
    expect(violations({ path: "src/attic/x.ts", text: "" })).toEqual(["src/attic/x.ts: attic is no room of the table"]);
  });
});

interface Source {
  readonly path: string;
  readonly text: string;
}

const root = join(import.meta.dirname, "..");

/** Every TypeScript file under a folder of the repository, with its path from the top. */
function sources(folder: string): Source[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => join(folder, path))
    .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
}

function violations({ path, text }: Source): string[] {
  if (emptyName.test(path)) return [`${path}: the name says nothing`];
  const room = roomOf(path);
  if (path.startsWith("src/") && !rooms.includes(room)) return [`${path}: ${room} is no room of the table`];
  return imports(text).flatMap((name) => {
    const reason = name.startsWith(".") ? forbiddenFile(path, join(path, "..", name)) : forbiddenPackage(path, name);
    return reason === undefined ? [] : [`${path} imports "${name}": ${reason}`];
  });
}

/** What a text imports, as written: static, type-only, dynamic and worker imports, and re-exports. */
function imports(text: string): string[] {
  // The formatter quotes names with ".
  const forms = [
    /(?:^|;)\s*(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"/gm,
    /(?:^|;)\s*import\s*"([^"]+)"/gm,
    /\bimport\(\s*["'`]([^"'`]+)["'`]/g,
    /\bnew URL\(\s*"([^"]+\.ts)",\s*import\.meta\.url/g,
  ];
  return forms.flatMap((form) => [...text.matchAll(form)].map((match) => match[1] ?? ""));
}

/** Why a file may not import that file; undefined when it may. */
function forbiddenFile(path: string, target: string): string | undefined {
  const [top = ""] = path.split("/");
  const isTest = path.endsWith(".test.ts");
  if (top === "client" && target.startsWith("gen/")) return undefined;
  if (top === "src" && target.startsWith("gen/")) return forbiddenPackage(path, "gen");
  if (target === "package.json") return undefined; // name and version
  if (/^simulator\/demo\b/.test(path) && target.startsWith("gen/")) return undefined; // a client of the service, as any other
  if (isTest && target.startsWith("test/fixtures/")) return undefined;
  if (!target.startsWith(`${top}/`)) return `it is outside ${top}`;
  if (top !== "src") return undefined;
  if (/(\.test|\/test-[^/]*)\.ts$/.test(target) && !isTest && !/\/test-[^/]*$/.test(path)) return "it is for tests";
  const [here, there] = [roomOf(path), roomOf(target)];
  return rooms.indexOf(there) > rooms.indexOf(here) ? `${there} is above ${here}` : undefined;
}

/** Why a file of the service may not import that package; tests may build what they talk to with any. */
function forbiddenPackage(path: string, name: string): string | undefined {
  const isTest = path.endsWith(".test.ts") || /\/test-[^/]*$/.test(path);
  if (path.startsWith("client/") && !isTest && !clientRunsOn.some((it) => name === it || name.startsWith(`${it}/`))) {
    return `the client runs on ${clientRunsOn.join(", ")} alone`;
  }
  if (!path.startsWith("src/") || (isTest && name !== "gen")) return undefined;
  const owned = Object.entries(onlyIn).find(
    ([prefix]) => name === prefix || (name.startsWith(prefix) && /[/-]$/.test(prefix)) || name.startsWith(`${prefix}/`),
  );
  if (!owned) return undefined;
  const [prefix, owners] = owned;
  return owners.includes(roomOf(path)) ? undefined : `${prefix} is for ${owners.join(", ")}`;
}

/** `src/rpc/handlers/check.ts` is in rpc; the files beside the rooms put them together and are in app. */
function roomOf(path: string): string {
  const [, room = "", inside] = normalize(path).split("/");
  return inside === undefined ? "app" : room;
}
