import { join } from "node:path";
import { timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Reason, Source, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import { BOTH_PORTS, errorOf } from "./support/clients.ts";
import type { DestinationSketch } from "./support/destinations.ts";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";
import { watching } from "./support/watching.ts";

const AN_HOUR = 3_600_000;
const inAnHour = () => timestampFromMs(Date.now() + AN_HOUR);

let service: RunningService;
beforeAll(async () => {
  service = await startService({ simulator: { queues: 0 } });
});
afterAll(() => service.stop());

let made = 0;

async function freshDestination(sketch: DestinationSketch = {}) {
  const queueId = service.simulator.world.addQueue(1).id;
  const id = await service.configure({ id: `case-${++made}`, queueId, maxAgeMs: AN_HOUR, ...sketch });
  const requests = () => service.simulator.requests.filter((request) => request.queueId === queueId);
  return { id, queueId, requests };
}

const get = async (destinationId: string) =>
  (await service.destinations.getDestination({ destinationId })).destination!;

describe.each(BOTH_PORTS)("SetOverride() and ClearOverride() by %s", (way) => {
  const { setOverride, clearOverride } = {
    setOverride: (request: Parameters<typeof service.destinations.setOverride>[0]) =>
      service.by(way).destinations.setOverride(request),
    clearOverride: (request: Parameters<typeof service.destinations.clearOverride>[0]) =>
      service.by(way).destinations.clearOverride(request),
  };

  test("set and end an answer that Check, Watch, Get and List show, and RingCentral is not asked", async () => {
    const { id, requests } = await freshDestination();
    const { revision } = await get(id);
    const before = await service.check(id);
    const watch = watching(service.by(way).availability, { destinationIds: [id] });
    await watch.untilState(({ accepted }) => accepted);
    const asked = requests().length;
    const expiresAt = inAnHour();
    const request = { destinationIds: [id], accepted: false, expiresAt, note: "Fire drill" };
    expect((await setOverride(request)).destinationIds).toEqual([id]);
    const state = await watch.untilState(({ reason }) => reason === Reason.OVERRIDDEN);
    expect(state).toMatchObject({
      accepted: false,
      verdict: Verdict.REJECTED,
      source: Source.NONE,
      message: expect.stringContaining("Fire drill"),
      destinationRevision: revision,
      retryAt: expiresAt,
    });
    expect([state.measured, state.agents, state.observedAt]).toEqual([undefined, undefined, undefined]);
    expect(state.version).toBeGreaterThan(before.version);
    expect(await service.check(id, { way, maxAgeMs: 0 })).toEqual(state);
    const shown = { revision, override: { accepted: false, expiresAt, note: "Fire drill", setBy: "" } };
    expect(await get(id)).toMatchObject(shown);
    const { destinations } = await service.destinations.listDestinations({ pageSize: 1000 });
    expect(destinations.find((destination) => destination.id === id)).toMatchObject(shown);
    expect(timestampMs((await get(id)).override!.setAt!)).toBeLessThanOrEqual(Date.now());
    const { explanation } = await service.availability.check({ destinationId: id, explain: true });
    expect(explanation!.hint).toMatch(/ClearOverride/);
    expect(requests()).toHaveLength(asked);

    // A new one replaces it; Configure keeps it.
    await setOverride({ ...request, accepted: true, note: "" });
    expect(await service.check(id)).toMatchObject({ accepted: true, verdict: Verdict.ACCEPTED });
    const template = (await get(id)).template;
    await service.availability.configure({ destination: { id, template, disabled: false, displayName: "Renamed" } });
    expect(await service.check(id)).toMatchObject({ reason: Reason.OVERRIDDEN, destinationRevision: revision + 1n });
    expect(requests()).toHaveLength(asked);

    expect((await clearOverride({ destinationIds: [id] })).destinationIds).toEqual([id]);
    // What was known before is there at once.
    expect(await watch.untilState(({ reason }) => reason !== Reason.OVERRIDDEN)).toMatchObject({ accepted: true });
    watch.leave();
    expect(await service.check(id)).toMatchObject({ reason: Reason.CRITERIA_MET });
    expect((await get(id)).override).toBeUndefined();
    expect((await clearOverride({ destinationIds: [id] })).destinationIds).toEqual([]);
  });

  test("take labels, however many have them", async () => {
    const labels = { team: `t${way.length}` };
    const ids = [];
    for (let i = 0; i < 3; i++) ids.push((await freshDestination({ labels })).id);
    const other = await freshDestination({ labels: { team: "other" } });
    const set = await setOverride({ labelSelector: labels, accepted: false, expiresAt: inAnHour() });
    expect(set.destinationIds).toEqual(ids.toSorted());
    for (const id of ids) expect((await service.check(id)).reason).toBe(Reason.OVERRIDDEN);
    expect((await service.check(other.id)).reason).toBe(Reason.CRITERIA_MET);
    expect((await clearOverride({ labelSelector: labels })).destinationIds).toEqual(ids.toSorted());
    const none = { labelSelector: { team: "nobody" } };
    expect((await setOverride({ ...none, accepted: true, expiresAt: inAnHour() })).destinationIds).toEqual([]);
    expect((await clearOverride(none)).destinationIds).toEqual([]);
  });

  test("name every id that is not there, and then set nothing", async () => {
    const { id } = await freshDestination();
    const destinationIds = ["nobody-1", id, "nobody-2"];
    for (const call of [
      setOverride({ destinationIds, accepted: false, expiresAt: inAnHour() }),
      clearOverride({ destinationIds }),
    ]) {
      const { code, message } = await errorOf(call);
      expect(code).toBe(Code.NotFound);
      expect(message).toMatch(/nobody-1.*nobody-2/);
    }
    expect((await get(id)).override).toBeUndefined();
    expect((await service.check(id)).reason).toBe(Reason.CRITERIA_MET);
  });

  test.each([
    ["nothing selected", {}, ["destination_ids", "expires_at"]],
    ["both ways of selecting", { destinationIds: ["a"], labelSelector: { a: "b" }, expiresAt: 1000 }, [/./]],
    ["an end in the past", { destinationIds: ["a"], expiresAt: -1 }, ["expires_at"]],
    ["an end after more than 24 hours", { destinationIds: ["a"], expiresAt: 24 * AN_HOUR + 60_000 }, ["expires_at"]],
    ["a long note", { destinationIds: ["a"], expiresAt: 1000, note: "é".repeat(257) }, ["note"]],
    [
      "501 ids",
      { destinationIds: Array.from({ length: 501 }, (_, i) => `d${i}`), expiresAt: 1000 },
      ["destination_ids"],
    ],
  ] as [string, { expiresAt?: number } & Record<string, unknown>, (string | RegExp)[]][])(
    "refuse %s",
    async (_, { expiresAt, ...rest }, fields) => {
      const end = expiresAt === undefined ? {} : { expiresAt: timestampFromMs(Date.now() + expiresAt) };
      const error = await errorOf(setOverride({ ...rest, ...end }));
      expect(error.code).toBe(Code.InvalidArgument);
      const named = error.findDetails(BadRequestSchema)[0]!.fieldViolations.map(({ field }) => field);
      for (const field of fields) expect(named).toContainEqual(expect.stringMatching(field));
    },
  );
});

test("an override ends by itself at its time, and what is known of the presence is answered again", async () => {
  const { id, requests } = await freshDestination();
  const watch = watching(service.availability, { destinationIds: [id] });
  await watch.untilState(({ accepted }) => accepted);
  const expiresAt = timestampFromMs(Date.now() + 1200);
  await service.destinations.setOverride({ destinationIds: [id], accepted: false, expiresAt });
  await watch.untilState(({ reason }) => reason === Reason.OVERRIDDEN);
  const asked = requests().length;
  const after = await watch.untilState(({ reason }) => reason !== Reason.OVERRIDDEN);
  expect(Date.now()).toBeGreaterThanOrEqual(timestampMs(expiresAt));
  expect(after).toMatchObject({ accepted: true, reason: Reason.CRITERIA_MET });
  watch.leave();
  expect((await get(id)).override).toBeUndefined();
  expect(requests()).toHaveLength(asked);
  expect(await service.check(id)).toMatchObject({ reason: Reason.CRITERIA_MET });
});

test("a destination that is deleted takes its override along", async () => {
  const { id, queueId } = await freshDestination();
  await service.destinations.setOverride({ destinationIds: [id], accepted: false, expiresAt: inAnHour() });
  await service.destinations.deleteDestination({ destinationId: id });
  await freshDestination({ id, queueId });
  expect(await service.check(id)).toMatchObject({ reason: Reason.CRITERIA_MET });
});

test("disabled is stronger than an override", async () => {
  const { id } = await freshDestination({ disabled: true });
  await service.destinations.setOverride({ destinationIds: [id], accepted: true, expiresAt: inAnHour() });
  expect(await service.check(id)).toMatchObject({ accepted: false, reason: Reason.DESTINATION_DISABLED });
});

test("an override survives a restart, and ends in time also while the service is away", async () => {
  const directory = await temporaryDirectory();
  const storeUrl = `sqlite:${join(directory.path, "availability.db")}`;
  const first = await startService({ storeUrl });
  const [, otherQueue] = first.simulator.world.queueIds;
  const token = "stays";
  await first.configure({ id: "long", token });
  await first.configure({ id: "short", queueId: otherQueue!, token });
  const expiresAt = inAnHour();
  const soon = Date.now() + 700;
  await first.destinations.setOverride({ destinationIds: ["long"], accepted: true, expiresAt, note: "kept" });
  const short = { destinationIds: ["short"], accepted: true, expiresAt: timestampFromMs(soon) };
  await first.destinations.setOverride(short);
  const before = await first.check("long");
  await first.stop();

  // The allow-list of the next start has the first simulator's address, where nobody listens any more.
  const second = await startService({ storeUrl, env: { UPSTREAM_ALLOW: first.simulator.origin } });
  const after = await second.check("long");
  expect(after).toMatchObject({ accepted: true, reason: Reason.OVERRIDDEN, message: expect.stringContaining("kept") });
  expect(after.version).toBeGreaterThanOrEqual(before.version);
  expect((await second.destinations.getDestination({ destinationId: "long" })).destination!.override).toMatchObject({
    accepted: true,
    expiresAt,
    note: "kept",
  });
  await expect
    .poll(async () => (await second.check("short")).reason, { interval: 50, timeout: 5000 })
    .not.toBe(Reason.OVERRIDDEN);
  expect(Date.now()).toBeGreaterThanOrEqual(soon);
  await second.stop();
  await directory.remove();
});
