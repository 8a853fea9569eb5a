import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { Reason, Source } from "../gen/availability/v1/availability_pb.ts";
import type { UpstreamCall } from "../gen/availability/v1/destination_service_pb.ts";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import { ALL_WAYS, errorOf } from "./support/clients.ts";
import { type RunningService, startService } from "./support/service.ts";

const AN_HOUR = 3_600_000;

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
afterEach(() => service.simulator.faults.clear());
afterAll(() => service.stop());

let made = 0;

/** A destination with a queue and a token of its own. */
async function freshDestination(onlyMembers?: readonly number[]) {
  const id = `case-${++made}`;
  const token = `token-of-${id}`;
  service.simulator.tokens.add(token);
  const queue = service.simulator.world.addQueue([{}, { acceptCurrentQueueCalls: false }, { acceptQueueCalls: false }]);
  const onlyExtensions = onlyMembers?.map((index) => queue.members[index]!.agent.extensionNumber) ?? [];
  await service.configure({ id, queueId: queue.id, token, maxAgeMs: AN_HOUR, onlyExtensions });
  const requests = () => service.simulator.requests.filter((request) => request.queueId === queue.id);
  return { id, queue, requests };
}

describe("GetPresence()", () => {
  test.each(ALL_WAYS)("gives the agents of the newest snapshot and calls nobody, to %s", async (way) => {
    const { id, queue, requests } = await freshDestination();
    const get = () => service.by(way).destinations.getPresence({ destinationId: id });
    expect(await get()).toMatchObject({ agents: [], source: Source.NONE });
    expect((await get()).observedAt).toBeUndefined();
    expect(requests()).toHaveLength(0);
    const { observedAt } = await service.check(id);
    const presence = await get();
    expect(presence).toMatchObject({ source: Source.CACHE, observedAt });
    expect(presence.agents).toMatchObject(
      queue.members.map(({ agent, acceptCurrentQueueCalls }, index) => ({
        extensionId: agent.id,
        extensionNumber: agent.extensionNumber,
        name: agent.name,
        acceptQueueCalls: index !== 2,
        acceptCurrentQueueCalls,
      })),
    );
    // What RingCentral's queue presence does not say is absent, not false.
    for (const { presenceStatus, dndStatus, telephonyStatus, userStatus } of presence.agents) {
      expect([presenceStatus, dndStatus, telephonyStatus, userStatus]).toEqual(Array(4).fill(undefined));
    }
    expect(requests()).toHaveLength(1);
  });

  test("keeps the newest snapshot when a read fails, and leaves out who does not count", async () => {
    const { id, queue } = await freshDestination([1, 2]);
    await service.check(id);
    service.simulator.faults.add({ kind: "internal-error", queueId: queue.id });
    expect(await service.check(id, { maxAgeMs: 0 })).toMatchObject({ reason: Reason.UPSTREAM_UNAVAILABLE });
    const { agents } = await service.destinations.getPresence({ destinationId: id });
    expect(agents.map(({ extensionId }) => extensionId)).toEqual(queue.members.slice(1).map(({ agent }) => agent.id));
  });
});

describe("ListUpstreamCalls()", () => {
  const list = async (destinationId: string, page: { pageSize?: number; pageToken?: string } = {}) =>
    service.destinations.listUpstreamCalls({ destinationId, ...page });

  test("lists every attempt, newest first, with what it came to and RingCentral's own id", async () => {
    const { id, queue, requests } = await freshDestination();
    const queueId = queue.id;
    expect((await list(id)).calls).toEqual([]);
    service.simulator.faults.add(
      { kind: "proxy-error", queueId },
      { kind: "answer", status: 404, body: "{}", headers: { RCRequestId: "9f1a-77" }, queueId },
    );
    await service.check(id);
    const tested = await service.destinations.testDestination({ target: { case: "destinationId", value: id } });
    expect(tested.availability!.accepted).toBe(true);
    const { calls, nextPageToken } = await list(id);
    expect(nextPageToken).toBe("");
    const path = `/restapi/v1.0/account/~/call-queues/${queueId}/presence`;
    expect(calls).toMatchObject([
      { method: "GET", path, status: 200, reason: Reason.UNSPECIFIED, attempt: 1 },
      { method: "GET", path, status: 404, reason: Reason.UPSTREAM_NOT_FOUND, attempt: 2, rcRequestId: "9f1a-77" },
      { method: "GET", path, status: 502, reason: Reason.UPSTREAM_UNAVAILABLE, attempt: 1, rcRequestId: "" },
    ]);
    expect(calls[0]!.rcRequestId).toMatch(/^[0-9a-f-]{36}$/);
    const times = calls.map(({ time }) => timestampMs(time!));
    expect(times).toEqual(times.toSorted((a, b) => b - a));
    for (const { latency, traceId } of calls) {
      expect(Number(latency!.seconds) * 1e9 + latency!.nanos).toBeGreaterThan(0);
      expect(traceId).toMatch(/^[0-9a-f]{32}$/);
    }
    expect(new Set(calls.map(({ traceId }) => traceId)).size).toBe(3);
    expect(requests()).toHaveLength(3);
  });

  test("says that no answer came, and how long that took", async () => {
    const { id, queue } = await freshDestination();
    service.simulator.faults.add({ kind: "reset", queueId: queue.id, times: 2 });
    await service.check(id);
    const { calls } = await list(id);
    // The next scheduled read may have come already.
    expect(calls.slice(-2)).toMatchObject([
      { status: 0, reason: Reason.UPSTREAM_UNAVAILABLE, attempt: 2 },
      { status: 0, reason: Reason.UPSTREAM_UNAVAILABLE, attempt: 1 },
    ]);
  });

  test("keeps the newest 100 and pages through them, each once, while more are made", async () => {
    const { id } = await freshDestination();
    for (let call = 0; call < 103; call++) await service.check(id, { maxAgeMs: 0 });
    const seen: UpstreamCall[] = [];
    let pageToken = "";
    do {
      const page = await list(id, { pageSize: 30, pageToken });
      expect(page.calls.length).toBeLessThanOrEqual(30);
      seen.push(...page.calls);
      pageToken = page.nextPageToken;
      if (seen.length === 30) await service.check(id, { maxAgeMs: 0 });
    } while (pageToken !== "");
    // The oldest of them went when the one in between was made.
    expect(seen).toHaveLength(99);
    expect(new Set(seen.map(({ traceId }) => traceId)).size).toBe(99);
    expect((await list(id, { pageSize: 1000 })).calls).toHaveLength(100);
  });

  test("is of the question: destinations that share reads share their calls", async () => {
    const { id, queue } = await freshDestination();
    await service.configure({ id: `${id}-too`, queueId: queue.id, token: `token-of-${id}` });
    await service.check(id);
    expect((await list(`${id}-too`)).calls).toEqual((await list(id)).calls);
  });
});

describe("ListTemplates()", () => {
  test.each(ALL_WAYS)("describes every field of a form, to %s", async (way) => {
    const { templates, nextPageToken } = await service.by(way).destinations.listTemplates({});
    expect(nextPageToken).toBe("");
    expect(templates.map(({ id, label, help }) => [id, label !== "", help !== ""])).toEqual([
      ["ring_central", true, true],
    ]);
    const fields = Object.fromEntries(templates[0]!.fields.map((field) => [field.fieldPath, field]));
    expect(Object.keys(fields).sort()).toEqual([
      "ring_central.account_id",
      "ring_central.call_queue_id",
      "ring_central.connection_id",
      "ring_central.credential.bearer_token",
      "ring_central.credential.oauth.client_id",
      "ring_central.credential.oauth.client_secret",
      "ring_central.credential.oauth.jwt",
      "ring_central.credential.oauth.refresh_token",
      "ring_central.only_extensions",
      "ring_central.presence_detail",
      "ring_central.server_url",
    ]);
    for (const field of Object.values(fields)) {
      expect(
        [field.label, field.help, field.example].every((said) => said !== ""),
        field.fieldPath,
      ).toBe(true);
    }
    expect(fields["ring_central.call_queue_id"]).toMatchObject({ required: true, secret: false });
    expect(fields["ring_central.credential.bearer_token"]).toMatchObject({ required: false, secret: true });
    expect(fields["ring_central.server_url"]!.defaultValue).toBe("https://platform.ringcentral.com");
  });

  test("gives examples that Configure takes and its own patterns match", async () => {
    const { templates } = await service.destinations.listTemplates({});
    const value = new Map(
      templates[0]!.fields.map(({ fieldPath, example }) => [fieldPath.split(".").at(-1)!, example]),
    );
    for (const { pattern, example } of templates[0]!.fields) expect(example).toMatch(new RegExp(pattern));
    const answer = await service.availability.configure({
      validateOnly: true,
      destination: {
        id: "from-examples",
        template: {
          case: "ringCentral",
          value: {
            accountId: value.get("account_id")!,
            callQueueId: value.get("call_queue_id")!,
            serverUrl: value.get("server_url")!,
            onlyExtensions: [value.get("only_extensions")!],
            access: {
              case: "credential",
              value: { kind: { case: "bearerToken", value: value.get("bearer_token")! } },
            },
          },
        },
      },
    });
    expect(answer.request!.url).toContain(value.get("call_queue_id"));
  });
});

test("what is wrong with a request is named, and a destination that is not there", async () => {
  const { destinations } = service;
  for (const ask of [
    (destinationId: string) => destinations.getPresence({ destinationId }),
    (destinationId: string) => destinations.listUpstreamCalls({ destinationId }),
  ]) {
    const missing = await errorOf(ask("nobody"));
    expect(missing).toMatchObject({ code: Code.NotFound, message: expect.stringContaining("nobody") });
    expect((await errorOf(ask("no id"))).code).toBe(Code.InvalidArgument);
  }
  const { id } = await freshDestination();
  for (const call of [
    destinations.listUpstreamCalls({ destinationId: id, pageSize: -1, pageToken: "§" }),
    destinations.listTemplates({ pageSize: -1, pageToken: "§" }),
  ]) {
    const violations = (await errorOf(call)).findDetails(BadRequestSchema)[0]!.fieldViolations;
    expect(violations.map(({ field }) => field)).toEqual(["page_size", "page_token"]);
  }
});
