import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code, type ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RegexType, Scope } from "../gen/availability/v1/acceptance_pb.ts";
import { Source } from "../gen/availability/v1/availability_pb.ts";
import { CredentialKind } from "../gen/availability/v1/credential_pb.ts";
import { OnUndecided } from "../gen/availability/v1/destination_pb.ts";
import { BadRequestSchema, ErrorInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { ALL_WAYS, BOTH_PORTS, errorOf } from "./support/clients.ts";
import { type DestinationInit, type DestinationSketch, destinationOf, duration } from "./support/destinations.ts";
import { type RunningService, startService } from "./support/service.ts";

let service: RunningService;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const draft = (sketch: DestinationSketch = {}) => destinationOf(service.simulator, sketch);
const get = async (destinationId: string) =>
  (await service.destinations.getDestination({ destinationId })).destination!;

function violationsOf(error: ConnectError): string[] {
  return error.findDetails(BadRequestSchema)[0]!.fieldViolations.map(({ field, reason }) => `${field} ${reason}`);
}

/** A destination with its RingCentral template changed. */
function withTemplate(destination: DestinationInit, change: object): DestinationInit {
  const { template } = destination as { template: { value: object } };
  return { ...destination, template: { case: "ringCentral", value: { ...template.value, ...change } } };
}

test.each(ALL_WAYS)("Configure() names every violation at once to %s", async (way) => {
  const destination: DestinationInit = {
    ...withTemplate(draft({ id: "no id", queueId: "12/../34", timeoutMs: 10, labels: { "": "x" } }), {
      accountId: "me",
      serverUrl: "https://evil.example",
      onlyExtensions: ["12", "x"],
    }),
    acceptance: {
      criterion: { case: "regex", value: { type: RegexType.CAPTURE, pattern: "(", scope: Scope.RECORDS } },
    },
    failure: { onUndecided: 9 as OnUndecided, lastKnownLimit: duration(1) },
  };
  const error = await errorOf(service.by(way).availability.configure({ destination }));
  expect(error.code).toBe(Code.InvalidArgument);
  const fields = violationsOf(error).map((violation) => violation.split(" ")[0]);
  const expected = [
    "destination.id",
    'destination.labels[""]',
    "destination.timeout",
    "destination.ring_central.account_id",
    "destination.ring_central.call_queue_id",
    "destination.ring_central.server_url",
    "destination.ring_central.only_extensions[1]",
    "destination.acceptance.regex.scope",
    "destination.acceptance.regex.pattern",
    "destination.failure.on_undecided",
    "destination.failure.last_known_limit",
  ];
  expect(new Set(fields)).toEqual(new Set(expected));
});

test("Configure() refuses what is not available yet instead of ignoring it", async () => {
  const destination: DestinationInit = { id: "x", template: { case: "webhook", value: { url: "https://a.example" } } };
  const error = await errorOf(service.availability.configure({ destination }));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(violationsOf(error)).toEqual(["destination.webhook UNSUPPORTED"]);
});

test("Configure() refuses a connection that is none and an OAuth client that is not whole", async () => {
  const rest: [string, DestinationInit][] = [
    ["connection_id", withTemplate(draft(), { access: { case: "connectionId", value: "c" } })],
    ["oauth", withTemplate(draft(), { access: { case: "credential", value: { kind: { case: "oauth", value: {} } } } })],
  ];
  for (const [field, destination] of rest) {
    const error = await errorOf(service.availability.configure({ destination }));
    expect(error.code, field).toBe(Code.InvalidArgument);
    expect(violationsOf(error).join(), field).toContain(field);
  }
});

test("Configure() with validate_only checks and shows everything, and writes nothing", async () => {
  const destination = draft({ id: "only-validated" });
  const answer = await service.availability.configure({ destination, validateOnly: true });
  expect(answer.effective).toMatchObject({ timeout: { seconds: 10n }, freshness: { maxAge: { seconds: 10n } } });
  expect(answer.effective!.failure).toMatchObject({
    onUndecided: OnUndecided.LAST_KNOWN,
    lastKnownLimit: { seconds: 30n },
  });
  const queueId = service.simulator.world.queueIds[0]!;
  expect(answer.request).toMatchObject({
    method: "GET",
    url: `${service.simulator.origin}/restapi/v1.0/account/~/call-queues/${queueId}/presence`,
  });
  expect(JSON.stringify(answer.request!.headers)).not.toContain(service.simulator.token);
  expect((await errorOf(get("only-validated"))).code).toBe(Code.NotFound);
  const invalid = { destination: draft({ id: "only-validated", queueId: "x" }), validateOnly: true };
  expect((await errorOf(service.availability.configure(invalid))).code).toBe(Code.InvalidArgument);
});

test("Configure() counts revisions, an equal one writes nothing, and Delete leaves the count", async () => {
  const id = "counted";
  const configure = async (sketch: DestinationSketch = {}, expectedRevision?: bigint) => {
    const request = { destination: draft({ id, ...sketch }) };
    const answer = await service.availability.configure(
      expectedRevision === undefined ? request : { ...request, expectedRevision },
    );
    return answer.destination!;
  };
  const first = await configure({}, 0n);
  expect(first.revision).toBe(1n);
  expect(await configure({}, 1n)).toEqual(first);
  const second = await configure({ maxAgeMs: 5000 }, 1n);
  expect(second).toMatchObject({ revision: 2n, createTime: first.createTime });
  expect(timestampMs(second.updateTime!)).toBeGreaterThanOrEqual(timestampMs(first.updateTime!));
  for (const stale of [0n, 1n, 3n]) {
    const error = await errorOf(configure({ maxAgeMs: 6000 }, stale));
    expect(error.code).toBe(Code.Aborted);
    expect(error.findDetails(ErrorInfoSchema)[0]!.metadata).toEqual({ current_revision: "2" });
  }
  expect(await get(id)).toEqual(second);
  await service.destinations.deleteDestination({ destinationId: id });
  expect((await errorOf(service.destinations.deleteDestination({ destinationId: id }))).code).toBe(Code.NotFound);
  expect((await errorOf(service.check(id))).code).toBe(Code.NotFound);
  expect((await configure({}, 0n)).revision).toBe(3n);
});

test("Configure() with expected_revision lets one of many writers at once win", async () => {
  const id = "contended";
  await service.configure({ id });
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, i) =>
      service.by(BOTH_PORTS[i % 2]!).availability.configure({
        destination: draft({ id, maxAgeMs: 1000 + i }),
        expectedRevision: 1n,
      }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect((await get(id)).revision).toBe(2n);
});

describe("the credential", () => {
  test.each(ALL_WAYS)("is never read back by %s, only its kind and a fingerprint", async (way) => {
    const { availability, destinations } = service.by(way);
    const destination = draft({ id: "secretive" });
    const configured = await availability.configure({ destination });
    const got = await destinations.getDestination({ destinationId: "secretive" });
    const listed = await destinations.listDestinations({});
    const shown = JSON.stringify([configured, got, listed], (_, value) =>
      typeof value === "bigint" ? value.toString() : value,
    );
    expect(shown).not.toContain(service.simulator.token);
    const { template } = got.destination!;
    expect(template.value).toMatchObject({
      access: { case: undefined },
      credentialStatus: { kind: CredentialKind.BEARER_TOKEN, fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) },
    });
  });

  test("is kept when it is absent and the server is the same", async () => {
    await service.configure({ id: "kept" });
    await service.configure({ id: "kept", token: null, maxAgeMs: 0 });
    expect(await service.check("kept")).toMatchObject({ accepted: true, source: Source.LIVE, destinationRevision: 2n });
  });

  test("is demanded when it is absent and the account is another one, or none is stored", async () => {
    await service.configure({ id: "moved" });
    const moved = withTemplate(draft({ id: "moved", token: null }), { accountId: service.simulator.world.accountId });
    for (const destination of [moved, draft({ id: "never-seen", token: null })]) {
      const error = await errorOf(service.availability.configure({ destination }));
      expect(violationsOf(error)).toEqual(["destination.ring_central.credential REQUIRED"]);
    }
  });

  test("that is another one has another fingerprint, and pasting the same with Bearer changes nothing", async () => {
    const fingerprint = async () => {
      const { template } = await get("rotated");
      return template.case === "ringCentral" ? template.value.credentialStatus?.fingerprint : undefined;
    };
    await service.configure({ id: "rotated", token: "one" });
    const one = await fingerprint();
    await service.configure({ id: "rotated", token: "Bearer one" });
    expect(await get("rotated")).toMatchObject({ revision: 1n });
    await service.configure({ id: "rotated", token: "two" });
    expect(await get("rotated")).toMatchObject({ revision: 2n });
    expect(await fingerprint()).not.toBe(one);
  });
});

test("ListDestinations() pages through everything in order of ids, narrowed by labels", async () => {
  const label = { list: "yes" };
  const ids = Array.from({ length: 7 }, (_, i) => `listed-${i}`);
  for (const id of ids.toReversed())
    await service.configure({ id, labels: { ...label, odd: String(id.at(-1)! > "3") } });
  const pages: string[][] = [];
  let pageToken = "";
  do {
    const page = await service.destinations.listDestinations({ labelSelector: label, pageSize: 3, pageToken });
    pages.push(page.destinations.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(pages).toEqual([ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
  const odd = await service.destinations.listDestinations({ labelSelector: { ...label, odd: "true" } });
  expect(odd.destinations.map(({ id }) => id)).toEqual(ids.slice(4));
  const error = await errorOf(service.destinations.listDestinations({ pageSize: -1, pageToken: "§" }));
  expect(violationsOf(error).map((violation) => violation.split(" ")[0])).toEqual(["page_size", "page_token"]);
});
