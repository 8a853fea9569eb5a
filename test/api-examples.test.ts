import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EXAMPLES, type Example, RPCS } from "./support/api-examples.ts";
import { writtenPart } from "./support/docs.ts";
import { print, steady } from "./support/example-json.ts";
import { type RunningService, startService } from "./support/service.ts";

const BY = "written by test/api-examples.test.ts with UPDATE_DOCS=1";
const ERRORS = { page: "api.md", begin: `<!-- an error: ${BY} -->`, end: "<!-- end of the error -->" };
const SERVICES = ["AvailabilityService", "DestinationService", "ConnectionService"].map((service) => ({
  service,
  part: { page: "api.md", begin: `<!-- ${service}: ${BY} -->`, end: `<!-- end of ${service} -->` },
}));

let service: RunningService;
const made = new Map<string, { request: JsonValue; answers: JsonValue[] }>();

beforeAll(async () => {
  service = await startService({ simulator: { queues: 1, agents: 3 } });
  // Checks are counted by the minute, and the examples' are to be of one minute.
  await vi.waitUntil(() => Date.now() % 60_000 < 55_000, { interval: 50, timeout: 10_000 });
});
afterAll(() => service.stop());

/** A call as curl makes it. */
async function post(path: string, body: JsonValue): Promise<{ status: number; answer: JsonValue }> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`http://${service.http}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, answer: (await answer.json()) as JsonValue };
}

async function make({ rpc, before, request, call }: Example): Promise<void> {
  await before?.(service);
  const asked = request(service);
  if (call) {
    made.set(rpc, { request: asked, answers: await call(service, asked) });
    return;
  }
  const { status, answer } = await post(RPCS.find(({ name }) => name === rpc)!.path, asked);
  expect(status, JSON.stringify(answer)).toBe(200);
  made.set(rpc, { request: asked, answers: [answer] });
}

test("every RPC of all services has an example, and each is answered", async () => {
  expect(EXAMPLES.map(({ rpc }) => rpc).toSorted()).toEqual(RPCS.map(({ name }) => name).toSorted());
  for (const example of EXAMPLES) await make(example);
  expect(made.size).toBe(RPCS.length);
});

test.each(SERVICES)("docs/api.md shows what $service was asked and answered; UPDATE_DOCS=1 writes it", async (one) => {
  const rpcs = RPCS.filter(({ service }) => service === one.service);
  const sections = rpcs.map(({ name }) => section(name)).join("\n");
  expect(await writtenPart(one.part, sections)).toBe(sections);
});

test("docs/api.md shows an error and its details as they came; UPDATE_DOCS=1 writes it", async () => {
  const request = { destinationId: "no id", maxAge: "-1s" };
  const { status, answer } = await post("/availability.v1.AvailabilityService/Check", request);
  expect(status).toBe(400);
  const { details, ...rest } = answer as JsonObject & { details: JsonObject[] };
  const shown = { ...rest, details: details.map((detail) => ({ ...detail, value: "..." })) };
  const example = [block("Check", [request]), block(`HTTP ${status}`, [shown])].join("\n");
  expect(await writtenPart(ERRORS, example)).toBe(example);
});

function section(rpc: string): string {
  const { purpose } = EXAMPLES.find((example) => example.rpc === rpc)!;
  const { request, answers } = made.get(rpc)!;
  const requests = Array.isArray(request) ? request : [request];
  return [`### ${rpc}`, "", purpose, "", block("request", requests), block("answer", answers)].join("\n");
}

/** Messages as JSON, one after the other. */
function block(title: string, messages: readonly JsonValue[]): string {
  const lines = messages.map((message) => print(steady(message)));
  return `${title}\n\n\`\`\`json\n${lines.join("\n")}\n\`\`\`\n`;
}
