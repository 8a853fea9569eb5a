import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { Code, type ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { AvailabilitySchema } from "../gen/availability/v1/availability_pb.ts";
import { DestinationSchema } from "../gen/availability/v1/destination_pb.ts";
import { CheckErrorSchema } from "../gen/availability/v1/error_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { ALL_WAYS, errorOf, type Way } from "./support/clients.ts";
import { destinationOf } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";
import { kindsOf, watching } from "./support/watching.ts";

// One read serves everything in this file, so that answers can be compared field by field.
const AN_HOUR = 3_600_000;
const REFERENCE: Way = "connect-web over fetch";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
  await service.configure({ maxAgeMs: AN_HOUR });
  await service.check("sales");
});
afterAll(() => service.stop());

/** The message in the form people compare: enum names, no absent fields. */
function plain<S extends DescMessage>(schema: S, message: MessageShape<S> | undefined): unknown {
  return message && toJson(schema, message);
}

function refusal(error: ConnectError) {
  const violations = error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
  return {
    code: error.code,
    message: error.rawMessage,
    violations: violations.map(({ field, reason, description }) => ({ field, reason, description })),
    info: error.findDetails(ErrorInfoSchema).map(({ domain, reason, metadata }) => ({ domain, reason, metadata })),
  };
}

const QUESTIONS: Record<string, (way: Way) => Promise<unknown>> = {
  "Check()": async (way) => plain(AvailabilitySchema, await service.check("sales", { way })),
  "BatchCheck()": async (way) => {
    const checks = [{ destinationId: "sales" }, { destinationId: "nobody" }, { destinationId: "no id" }];
    const { results } = await service.by(way).availability.batchCheck({ checks });
    return results.map(({ outcome }) =>
      outcome.case === "error"
        ? plain(CheckErrorSchema, outcome.value)
        : plain(AvailabilitySchema, outcome.value?.availability),
    );
  },
  "GetDestination()": async (way) => {
    const { destination } = await service.by(way).destinations.getDestination({ destinationId: "sales" });
    return plain(DestinationSchema, destination);
  },
  "ListDestinations()": async (way) => {
    const { destinations } = await service.by(way).destinations.listDestinations({});
    return destinations.map((destination) => plain(DestinationSchema, destination));
  },
  "Configure() with validate_only": async (way) => {
    const destination = destinationOf(service.simulator, { maxAgeMs: AN_HOUR });
    const answer = await service.by(way).availability.configure({ destination, validateOnly: true });
    return [plain(DestinationSchema, answer.effective), answer.warnings, answer.request?.url];
  },
  "Watch() up to synced": async (way) => {
    const watch = watching(service.by(way).availability, { destinationIds: ["sales", "nobody"], passive: true });
    await watch.untilKind("synced");
    watch.leave();
    const [first] = watch.events;
    const state = first?.event.case === "availability" ? plain(AvailabilitySchema, first.event.value) : undefined;
    return [kindsOf(watch.events), state];
  },
  "Check() of an unknown destination": async (way) => refusal(await errorOf(service.check("nobody", { way }))),
  "Check() that breaks rules": async (way) => refusal(await errorOf(service.check("no id", { way, maxAgeMs: -1000 }))),
  "GetDestination() of an unknown destination": async (way) =>
    refusal(await errorOf(service.by(way).destinations.getDestination({ destinationId: "nobody" }))),
  "Configure() that breaks rules": async (way) => {
    const destination = destinationOf(service.simulator, { id: "no id", queueId: "../evil", timeoutMs: 1 });
    return refusal(await errorOf(service.by(way).availability.configure({ destination })));
  },
  "Configure() of another revision": async (way) => {
    const destination = destinationOf(service.simulator, { maxAgeMs: 5000 });
    return refusal(await errorOf(service.by(way).availability.configure({ destination, expectedRevision: 7n })));
  },
};

describe.each(Object.keys(QUESTIONS))("%s", (question) => {
  test.each(ALL_WAYS)("answers %s what it answers connect-web", async (way) => {
    const answer = await QUESTIONS[question]!(way);
    expect(answer).toEqual(await QUESTIONS[question]!(REFERENCE));
  });
});

test("the answers that are compared are the ones that are meant", async () => {
  expect(await QUESTIONS["Check()"]!(REFERENCE)).toMatchObject({
    accepted: true,
    reason: "REASON_CRITERIA_MET",
    measured: 4,
    destinationRevision: "1",
  });
  expect(await QUESTIONS["Watch() up to synced"]!(REFERENCE)).toMatchObject([
    ["availability", "unknown", "synced"],
    {},
  ]);
  expect(await QUESTIONS["Check() of an unknown destination"]!(REFERENCE)).toMatchObject({
    code: Code.NotFound,
    info: [{ domain: "availability.v1", reason: "NOT_FOUND" }],
  });
  const { code, violations } = (await QUESTIONS["Configure() that breaks rules"]!(REFERENCE)) as {
    code: Code;
    violations: { field: string }[];
  };
  expect(code).toBe(Code.InvalidArgument);
  expect(violations.map(({ field }) => field).sort()).toEqual([
    "destination.id",
    "destination.ring_central.call_queue_id",
    "destination.timeout",
  ]);
  expect(await QUESTIONS["Configure() of another revision"]!(REFERENCE)).toMatchObject({
    code: Code.Aborted,
    info: [{ metadata: { current_revision: "1" } }],
  });
});

test("one read has answered everything", () => {
  expect(service.simulator.requests).toHaveLength(1);
});

const SERVICE = "availability.v1.AvailabilityService";

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://${service.http}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body,
  });
}

test("Check() answers a plain POST of JSON as people write it", async () => {
  const answer = await post(`${SERVICE}/Check`, '{"destinationId": "sales"}');
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({ availability: { accepted: true, source: "SOURCE_CACHE" } });
});

test("Check() answers a GET, and nobody on the way may keep the answer", async () => {
  const message = encodeURIComponent('{"destinationId": "sales"}');
  const answer = await fetch(`http://${service.http}/${SERVICE}/Check?connect=v1&encoding=json&message=${message}`);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(await answer.json()).toMatchObject({ availability: { accepted: true } });
});

test("Configure() does not answer a GET", async () => {
  const message = encodeURIComponent("{}");
  const answer = await fetch(`http://${service.http}/${SERVICE}/Configure?connect=v1&encoding=json&message=${message}`);
  expect(answer.status).toBe(405);
});

test("Configure() tells a JSON caller each field that is wrong", async () => {
  const body = { destination: { id: "a b", ringCentral: { callQueueId: "x" }, labels: { " ": "" } } };
  const answer = await post(`${SERVICE}/Configure`, JSON.stringify(body));
  expect(answer.status).toBe(400);
  const { code, details } = (await answer.json()) as {
    code: string;
    details: { type: string; debug: { fieldViolations: { field: string }[] } }[];
  };
  expect(code).toBe("invalid_argument");
  const badRequest = details.find(({ type }) => type === "google.rpc.BadRequest");
  expect(badRequest?.debug.fieldViolations.map(({ field }) => field)).toEqual(
    expect.arrayContaining(["destination.id", "destination.ring_central.call_queue_id"]),
  );
});
