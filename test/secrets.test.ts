import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { RouteName } from "../simulator/call.ts";
import type { Fault } from "../simulator/faults.ts";
import { PushSession } from "../simulator/push-session.ts";
import { type Simulator, startSimulator } from "../simulator/server.ts";
import type { Session } from "../simulator/sessions.ts";
import { WsTokens } from "../simulator/ws-tokens.ts";
import { killLeftovers, type ReadyProcess, startProcess } from "./support/child.ts";
import { ALL_WAYS } from "./support/clients.ts";
import { type Collector, startCollector } from "./support/collector.ts";
import { type ConnectionSketch, connectionOf, newApp } from "./support/connections.ts";
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
  const hear = async (call: Promise<unknown>) => void heard.push(await outcomeOf(call));
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
  const places = await placesOf(service, heard, directory.path);
  for (const [place, content] of Object.entries(places)) {
    expect(content.length, place).toBeGreaterThan(place === "stderr" ? -1 : 0);
    expect(content.includes(SECRET), `${place}: ${around(content, SECRET)}`).toBe(false);
    expect(content.includes(Buffer.from(TOKEN).toString("base64")), place).toBe(false);
  }
});

test("no secret of OAuth or of push is in any of these, old or new, whatever RingCentral answers", async () => {
  const simulator = await startSimulator({ queues: 0 });
  const stored = await temporaryDirectory();
  const service = await startProcess({
    UPSTREAM_ALLOW: simulator.origin,
    STORE_URL: `sqlite:${join(stored.path, "availability.db")}`,
    LOG_LEVEL: "trace",
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  });
  const secrets = overhear(simulator);
  const heard: string[] = [];
  const { availability, connections, destinations } = service.by("Connect over HTTP/1.1");
  const hear = async (call: Promise<unknown>) => void heard.push(await outcomeOf(call));
  const app = (clientId: string) => {
    const made = newApp(simulator, clientId, { issueRefreshTokens: true });
    secrets.all.add(made.jwt.clientSecret);
    secrets.all.add(made.jwt.grant.value);
    return made;
  };
  const connect = async (id: string, oauth: ConnectionSketch["oauth"]) => {
    const { id: queueId } = simulator.world.addQueue(2);
    await hear(connections.configureConnection({ connection: connectionOf(simulator, { id, oauth: oauth! }) }));
    const sketch = { id, queueId, connectionId: id, maxAgeMs: 1000, timeoutMs: 2000 };
    await hear(availability.configure({ destination: destinationOf(simulator, sketch) }));
    return queueId;
  };
  const look = async (id: string) => {
    await hear(availability.check({ destinationId: id, explain: true, maxAge: { seconds: 0n } }));
    await hear(destinations.testDestination({ target: { case: "destinationId", value: id } }));
    await hear(destinations.listUpstreamCalls({ destinationId: id }));
    await hear(connections.getConnection({ connectionId: id }));
    await hear(connections.listCallQueues({ connectionId: id }));
  };

  // A refresh token that is rotated twice, and push that is cut and resumed.
  const rotating = app("rotating");
  const { refreshToken } = simulator.oauth.issue({ clientId: "rotating" });
  const queueId = await connect("rotating", rotating.refreshToken(refreshToken!));
  const watch = watching(availability, { destinationIds: ["rotating"] });
  await watch.untilState(({ accepted }) => accepted);
  const { gateway, world } = simulator;
  await expect.poll(() => gateway.connections.at(0)?.filters.length, { timeout: 10_000 }).toBe(1);
  gateway.cut("abrupt");
  await expect.poll(() => gateway.connections.at(1)?.recovery, { timeout: 10_000 }).toBe("Successful");
  world.setAll(queueId, { acceptCurrentQueueCalls: false });
  await watch.untilState(({ accepted }) => !accepted);
  simulator.oauth.expireToken();
  await look("rotating");
  heard.push(text(watch.events));
  watch.leave();
  // What repeats what it was sent: the token endpoint, the one for push, and the WebSocket's.
  const repeat = (on: RouteName, ...sent: string[]) => {
    const message = `No use for ${sent.join(" ")}`;
    const body = JSON.stringify({ error: "invalid_grant", error_description: message, errorCode: "OAU-213", message });
    const [RCRequestId = ""] = sent;
    simulator.faults.add({ kind: "answer", on, status: on === "connect" ? 500 : 400, body, headers: { RCRequestId } });
  };
  const { jwt } = app("repeated");
  const basic = Buffer.from(`${jwt.clientId}:${jwt.clientSecret}`).toString("base64");
  repeat("token", jwt.clientSecret, jwt.grant.value, basic);
  await connect("repeated", jwt);
  await look("repeated");
  const used = app("used").refreshToken("used-up-refresh-token.0123456789");
  secrets.all.add(used.grant.value);
  repeat("token", used.grant.value, used.clientSecret);
  await connect("used", used);
  await look("used");
  await connect("pushed", app("pushed").jwt);
  // Its push begins in a second.
  await look("pushed");
  const session = simulator.oauth.sessions.live.find(({ clientId }) => clientId === "pushed")!;
  repeat("wstoken", session.access.text);
  secrets.onWsToken((token) => repeat("connect", token));
  const tried = () => simulator.requests.filter(({ fault, on }) => fault === "answer" && on === "connect").length;
  await expect.poll(tried, { timeout: 10_000 }).toBe(1);
  await look("pushed");
  const wrong = app("wrong").jwt;
  await connect("wrong", { ...wrong, clientSecret: `not-${wrong.clientSecret}` });
  await look("wrong");
  await hear(connections.listConnections({}));
  await hear(fetch(`http://${service.http}/metrics`).then((answer) => answer.text()));
  expect(await service.stop()).toBe(0);
  await simulator.close();

  const places = await placesOf(service, heard, stored.path);
  await stored.remove();
  expect(secrets.all.size).toBeGreaterThan(20);
  for (const [place, content] of Object.entries(places)) {
    for (const secret of secrets.all) {
      for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")]) {
        expect(content.includes(form), `${place}: ${around(content, form)}`).toBe(false);
      }
    }
  }
});

/** What a call came to, an answer or an error, whole. */
async function outcomeOf(call: Promise<unknown>): Promise<string> {
  return text(await call.catch((error: Error & { details?: unknown }) => [error.message, error.stack, error.details]));
}

/** Everything that came out of a process, by place; `directory` is where its store is. */
async function placesOf(
  { said }: ReadyProcess,
  heard: readonly string[],
  directory: string,
): Promise<Record<string, string>> {
  const places: Record<string, string> = {
    stdout: said.stdout,
    stderr: said.stderr,
    telemetry: collector.received(),
    answers: heard.join("\n"),
  };
  for (const name of await readdir(directory, { recursive: true })) {
    places[name] = await readFile(join(directory, name), "latin1").catch(() => "");
  }
  expect(Object.keys(places)).toEqual(expect.arrayContaining(["availability.db", "secrets.key"]));
  return places;
}

/** Collects every token that the simulator gives out. */
function overhear({ oauth: { sessions } }: Simulator) {
  const all = new Set<string>();
  let onWsToken: (token: string) => void = () => {};
  const tell = (...tokens: (string | undefined)[]) => {
    for (const token of tokens) if (token !== undefined) all.add(token);
  };
  const { open, rotate } = sessions;
  const tokensOf = (session: Session | undefined) => tell(session?.access.text, session?.refresh?.text);
  vi.spyOn(sessions, "open").mockImplementation((options) => {
    const session = open.call(sessions, options);
    tokensOf(session);
    return session;
  });
  vi.spyOn(sessions, "rotate").mockImplementation((token) => {
    const session = rotate.call(sessions, token);
    tokensOf(session);
    return session;
  });
  const { issue } = WsTokens.prototype;
  vi.spyOn(WsTokens.prototype, "issue").mockImplementation(function (this: WsTokens, identity) {
    const token = issue.call(this, identity);
    tell(token);
    onWsToken(token);
    return token;
  });
  const { wsc } = PushSession.prototype;
  vi.spyOn(PushSession.prototype, "wsc").mockImplementation(function (this: PushSession, sequence) {
    const place = wsc.call(this, sequence);
    tell(place.token);
    return place;
  });
  return {
    all,
    onWsToken(then: (token: string) => void) {
      onWsToken = then;
    },
  };
}

function around(content: string, part: string): string {
  const at = content.indexOf(part);
  return at < 0 ? "" : content.slice(Math.max(0, at - 200), at + 100);
}
