import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Fault } from "../simulator/faults.ts";
import { startSimulator } from "../simulator/server.ts";
import { killLeftovers, startProcess } from "./support/child.ts";
import { ALL_WAYS } from "./support/clients.ts";
import { type Collector, startCollector } from "./support/collector.ts";
import { type DestinationSketch, destinationOf } from "./support/destinations.ts";
import { temporaryDirectory } from "./support/service.ts";
import { watching } from "./support/watching.ts";

const TOKEN = "SECRET.eyJrZXkiOiJub3QtdG8tYmUtc2VlbiJ9-0123456789";

let collector: Collector;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  collector = await startCollector();
  directory = await temporaryDirectory();
});
afterAll(async () => {
  killLeftovers();
  await collector.close();
  await directory.remove();
});

/** What a server might answer that repeats what it was sent. */
const REFLECTIONS: Fault[] = [
  {
    kind: "answer",
    status: 400,
    body: JSON.stringify({ errorCode: "CMN-101", message: `Bad header Bearer ${TOKEN}` }),
  },
  { kind: "answer", status: 401, body: JSON.stringify({ errorCode: "OAU-213", message: `Token ${TOKEN} not found` }) },
  { kind: "answer", status: 403, body: JSON.stringify({ errorCode: "CMN-401", permissionName: TOKEN }) },
  { kind: "answer", status: 500, body: TOKEN, headers: { "content-type": "text/html", RCRequestId: TOKEN } },
  { kind: "answer", status: 429, body: "", headers: { "Retry-After": TOKEN } },
  { kind: "answer", status: 200, body: `{"records": "${TOKEN}"}` },
  { kind: "answer", status: 200, body: TOKEN },
  { kind: "redirect", location: `https://evil.example/?token=${TOKEN}` },
  { kind: "redirect", location: `https://${TOKEN}@evil.example/` },
];
const FAULTS: Fault[] = [
  { kind: "unauthorized" },
  { kind: "forbidden" },
  { kind: "not-found" },
  { kind: "rate-limited" },
  { kind: "internal-error" },
  { kind: "maintenance" },
  { kind: "proxy-error", times: 2 },
  { kind: "reset", times: 2 },
  { kind: "hang" },
  { kind: "cut-body" },
  { kind: "not-json" },
  { kind: "html" },
  { kind: "no-records" },
];

const text = (value: unknown) => JSON.stringify(value, (_, part) => (typeof part === "bigint" ? `${part}` : part));

test("the token is in no answer, error, log line, span, metric or file, whatever RingCentral answers", async () => {
  const simulator = await startSimulator({ token: TOKEN, queues: 1 });
  const service = await startProcess({
    UPSTREAM_ALLOW: simulator.origin,
    STORE_URL: `sqlite:${join(directory.path, "availability.db")}`,
    LOG_LEVEL: "trace",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  });
  const heard: string[] = [];
  /** Remembers an answer or an error, whole. */
  const hear = async (call: Promise<unknown>) => {
    const outcome = await call.catch((error: Error & { details?: unknown }) => [
      error.message,
      error.stack,
      error.details,
    ]);
    heard.push(text(outcome));
  };
  const { availability, destinations } = service.by("Connect over HTTP/1.1");
  const watch = watching(availability, { destinationIds: [], passive: true });
  await watch.untilKind("synced");
  const configure = (sketch: DestinationSketch) =>
    hear(availability.configure({ destination: destinationOf(simulator, { timeoutMs: 300, ...sketch }) }));

  await configure({ id: "good" });
  for (const way of ALL_WAYS) await hear(service.by(way).availability.check({ destinationId: "good" }));
  for (const [index, fault] of [...FAULTS, ...REFLECTIONS].entries()) {
    const { id: queueId } = simulator.world.addQueue(1);
    const id = `fault-${index}`;
    simulator.faults.add({ ...fault, queueId });
    await configure({ id, queueId });
    // A 401 or a 429 keeps others of the same token from asking: one that is told apart ends it or goes around it.
    await hear(availability.check({ destinationId: id }));
    simulator.faults.clear();
  }
  // What people paste in the wrong place.
  await configure({ id: "pasted", token: `${TOKEN} ${TOKEN}` });
  await configure({ id: "pasted", token: `${TOKEN}\n` });
  const pasted = destinationOf(simulator, { id: "pasted" }) as { template: { value: { serverUrl: string } } };
  pasted.template.value.serverUrl = `https://user:${TOKEN}@evil.example`;
  await hear(availability.configure({ destination: pasted as never }));
  await hear(destinations.listDestinations({ pageSize: 100 }));
  await hear(fetch(`http://${service.http}/metrics`).then((answer) => answer.text()));
  await destinations.deleteDestination({ destinationId: "good" });
  await watch.untilKind("removed");
  heard.push(text(watch.events));
  watch.leave();
  expect(await service.stop()).toBe(0);
  await simulator.close();

  expect(simulator.requests.filter(({ authorization }) => authorization).length).toBeGreaterThan(3);
  const places: Record<string, string> = {
    stdout: service.said.stdout,
    stderr: service.said.stderr,
    telemetry: collector.received(),
    answers: heard.join("\n"),
  };
  for (const name of await readdir(directory.path, { recursive: true })) {
    places[name] = await readFile(join(directory.path, name), "latin1").catch(() => "");
  }
  expect(Object.keys(places)).toEqual(expect.arrayContaining(["availability.db", "secrets.key"]));
  const [secretPart] = TOKEN.split("-");
  for (const [place, content] of Object.entries(places)) {
    expect(content.length, place).toBeGreaterThan(place === "stderr" ? -1 : 0);
    expect(content.includes(secretPart!), `${place}: ${around(content, secretPart!)}`).toBe(false);
    expect(content.includes(Buffer.from(TOKEN).toString("base64")), place).toBe(false);
  }
});

function around(content: string, part: string): string {
  const at = content.indexOf(part);
  return at < 0 ? "" : content.slice(Math.max(0, at - 200), at + 100);
}
