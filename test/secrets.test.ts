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

/** What every token of this test has in it. */
const SECRET = "SECRET.eyJrZXkiOiJub3QtdG8tYmUtc2VlbiJ9";
const TOKEN = `${SECRET}-0123456789`;

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
const REFLECTIONS: ((token: string) => Fault)[] = [
  (token) => ({
    kind: "answer",
    status: 400,
    body: JSON.stringify({ errorCode: "CMN-101", message: `Bad header Bearer ${token}` }),
  }),
  (token) => ({
    kind: "answer",
    status: 401,
    body: JSON.stringify({ errorCode: "OAU-213", message: `Token ${token} not found` }),
  }),
  (token) => ({ kind: "answer", status: 403, body: JSON.stringify({ errorCode: "CMN-401", permissionName: token }) }),
  (token) => ({
    kind: "answer",
    status: 500,
    body: token,
    headers: { "content-type": "text/html", RCRequestId: token },
  }),
  (token) => ({ kind: "answer", status: 429, body: "", headers: { "Retry-After": token } }),
  (token) => ({ kind: "answer", status: 200, body: `{"records": "${token}"}` }),
  (token) => ({ kind: "answer", status: 200, body: token }),
  (token) => ({ kind: "redirect", location: `https://evil.example/?token=${token}` }),
  (token) => ({ kind: "redirect", location: `https://${token}@evil.example/` }),
  (token) => ({ kind: "redirect", location: `/restapi/v1.0/${token}` }),
  (token) => ({ kind: "redirect", location: `/restapi/v1.0/${token.replace(".", "%2E")}` }),
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
  for (const [index, fault] of [...FAULTS.map((fault) => () => fault), ...REFLECTIONS].entries()) {
    const { id: queueId } = simulator.world.addQueue(1);
    const id = `fault-${index}`;
    // One token each: a 401 or a 429 keeps others of the same token from asking.
    const token = `${TOKEN}-${index}`;
    simulator.tokens.add(token);
    simulator.faults.add({ ...fault(token), queueId });
    await configure({ id, queueId, token });
    await hear(availability.check({ destinationId: id, explain: index % 2 === 0 }));
    await hear(destinations.listUpstreamCalls({ destinationId: id }));
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

  const asked = new Set(simulator.requests.map(({ queueId }) => queueId));
  expect(simulator.world.queueIds.filter((queueId) => !asked.has(queueId))).toEqual([]);
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
  for (const [place, content] of Object.entries(places)) {
    expect(content.length, place).toBeGreaterThan(place === "stderr" ? -1 : 0);
    expect(content.includes(SECRET), `${place}: ${around(content, SECRET)}`).toBe(false);
    expect(content.includes(Buffer.from(TOKEN).toString("base64")), place).toBe(false);
  }
});

function around(content: string, part: string): string {
  const at = content.indexOf(part);
  return at < 0 ? "" : content.slice(Math.max(0, at - 200), at + 100);
}
