import { stat } from "node:fs/promises";
import { join } from "node:path";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Availability, Reason } from "../gen/availability/v1/availability_pb.ts";
import { OnUndecided } from "../gen/availability/v1/destination_pb.ts";
import type { CheckCount } from "../gen/availability/v1/destination_service_pb.ts";
import { BadRequestSchema } from "../gen/google/rpc/error_details_pb.ts";
import { BOTH_PORTS, errorOf } from "./support/clients.ts";
import { type RunningService, startService, temporaryDirectory } from "./support/service.ts";

const failure = { onUndecided: OnUndecided.REJECT };

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeAll(async () => {
  directory = await temporaryDirectory();
});
afterAll(() => directory.remove());

const start = (name: string) => startService({ storeUrl: `sqlite:${join(directory.path, name, "availability.db")}` });

interface Range {
  at?: number;
  start?: number;
  end?: number;
  pageSize?: number;
  pageToken?: string;
}
const list = ({ destinations }: Pick<RunningService, "destinations">, destinationId: string, range: Range = {}) => {
  const { at, start = at, end = at, ...page } = range;
  return destinations.listAvailabilityHistory({
    destinationId,
    ...page,
    ...(start !== undefined && { startTime: timestampFromMs(start) }),
    ...(end !== undefined && { endTime: timestampFromMs(end) }),
  });
};

/** A moment after everything that happened so far. */
async function aMomentLater(): Promise<number> {
  const now = Date.now();
  await expect.poll(() => Date.now(), { interval: 1 }).toBeGreaterThan(now + 1);
  return now + 1;
}

const reasons = (changes: readonly Availability[]) => changes.map(({ reason }) => reason);

/** How many Checks had a reason, and how many of them were accepted, over all minutes. */
function total(counts: readonly CheckCount[], wanted: Reason): [count: number, accepted: number] {
  const those = counts.filter(({ reason }) => reason === wanted);
  const sum = (of: (one: CheckCount) => bigint) => those.reduce((all, one) => all + Number(of(one)), 0);
  return [sum(({ count }) => count), sum(({ accepted }) => accepted)];
}

test("why a call was not routed has an answer by RPC, also after a restart and once the destination is gone", async () => {
  const first = await start("kept");
  const { simulator } = first;
  const [queueId, otherQueue] = simulator.world.queueIds;
  await first.configure({ id: "sales", failure, maxAgeMs: 60_000 });
  await first.configure({ id: "gone", queueId: otherQueue!, failure });
  await first.check("sales");
  await first.check("sales");
  await first.check("gone");
  const whileAccepting = await aMomentLater();
  simulator.world.setAll(queueId!, { acceptCurrentQueueCalls: false });
  const rejected = await first.check("sales", { maxAgeMs: 0 });
  const whileNobody = await aMomentLater();
  simulator.faults.add({ kind: "forbidden", queueId: queueId! });
  await first.check("sales", { maxAgeMs: 0 });
  await first.check("sales", { maxAgeMs: 0 });
  const whileForbidden = await aMomentLater();
  await first.destinations.deleteDestination({ destinationId: "gone" });

  async function itIsAllThere(service: RunningService): Promise<void> {
    for (const way of BOTH_PORTS) {
      const all = await list(service.by(way), "sales", { end: whileForbidden });
      expect(reasons(all.changes)).toEqual([
        Reason.NOT_OBSERVED_YET,
        Reason.CRITERIA_MET,
        Reason.CRITERIA_NOT_MET,
        Reason.UPSTREAM_PERMISSION_DENIED,
      ]);
      const versions = all.changes.map(({ version }) => version);
      expect(versions).toEqual(versions.toSorted((a, b) => Number(a - b)));
      expect(all.checkCounts.every(({ minute }) => minute!.seconds % 60n === 0n && minute!.nanos === 0)).toBe(true);
      expect(total(all.checkCounts, Reason.CRITERIA_MET)).toEqual([2, 2]);
      expect(total(all.checkCounts, Reason.CRITERIA_NOT_MET)).toEqual([1, 0]);
      expect(total(all.checkCounts, Reason.UPSTREAM_PERMISSION_DENIED)).toEqual([2, 0]);
    }
    // What was in force at a moment, whole, and how the Checks of that minute were answered.
    const then = await list(service, "sales", { at: whileNobody });
    expect(then.changes).toHaveLength(1);
    const { source: _, retryAt: __, ...said } = rejected;
    expect(then.changes[0]).toMatchObject({ ...said, message: expect.stringMatching(/needs more than 0/) });
    expect(total(then.checkCounts, Reason.CRITERIA_NOT_MET)[0]).toBeGreaterThan(0);
    expect(reasons((await list(service, "sales", { at: whileAccepting })).changes)).toEqual([Reason.CRITERIA_MET]);
    const [forbidden] = (await list(service, "sales", { at: whileForbidden })).changes;
    expect(forbidden).toMatchObject({ accepted: false, message: expect.stringContaining("ReadPresence") });
    // A range begins with what was in force at its start.
    const some = await list(service, "sales", { start: whileNobody, end: whileForbidden });
    expect(reasons(some.changes)).toEqual([Reason.CRITERIA_NOT_MET, Reason.UPSTREAM_PERMISSION_DENIED]);
    const gone = await list(service, "gone");
    expect(reasons(gone.changes)).toEqual([Reason.NOT_OBSERVED_YET, Reason.CRITERIA_MET]);
    expect(total(gone.checkCounts, Reason.CRITERIA_MET)).toEqual([1, 1]);
  }

  await itIsAllThere(first);
  await first.stop();
  const file = join(directory.path, "kept", "availability-history.db");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const second = await start("kept");
  await itIsAllThere(second);
  // It goes on where it was: the restart is a change of its own, and versions rise over it.
  const { changes } = await list(second, "sales");
  expect(changes.length).toBeGreaterThan(4);
  expect(changes.at(-1)!.version).toBeGreaterThan(changes[3]!.version);
  await second.stop();
});

test("pages hold every change once, in order, and counts on the first page alone", async () => {
  const service = await start("paged");
  const [queueId] = service.simulator.world.queueIds;
  await service.configure({ id: "sales" });
  await service.check("sales");
  for (let n = 0; n < 12; n++) {
    service.simulator.world.setAll(queueId!, { acceptCurrentQueueCalls: n % 2 === 1 });
    await service.check("sales", { maxAgeMs: 0 });
  }
  const whole = (await list(service, "sales", { pageSize: 1000 })).changes;
  expect(whole).toHaveLength(14);
  const pages: Availability[][] = [];
  let pageToken = "";
  do {
    const page = await list(service, "sales", { pageSize: 4, pageToken });
    pages.push(page.changes);
    expect(page.checkCounts.length > 0).toBe(pageToken === "");
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  expect(pages.map(({ length }) => length)).toEqual([4, 4, 4, 2]);
  expect(pages.flat()).toEqual(whole);
  await service.stop();
});

test("what is wrong with a request is named, and a destination that never was is NOT_FOUND", async () => {
  const service = await startService();
  await service.configure({ id: "sales" });
  await service.configure({ id: "support" });
  expect(await errorOf(list(service, "nobody"))).toMatchObject({
    code: Code.NotFound,
    message: expect.stringContaining("nobody"),
  });
  const error = await errorOf(list(service, "no id", { start: 2000, end: 1000, pageSize: -1, pageToken: "§" }));
  const fields = error.findDetails(BadRequestSchema)[0]!.fieldViolations.map(({ field }) => field);
  expect(new Set(fields)).toEqual(new Set(["destination_id", "end_time", "page_size", "page_token"]));
  for (let n = 0; n < 2; n++) {
    const destinationIds = ["sales"];
    const expiresAt = timestampFromMs(Date.now() + 60_000);
    await service.destinations.setOverride({ destinationIds, accepted: n === 0, expiresAt });
  }
  const { nextPageToken } = await list(service, "sales", { pageSize: 1 });
  // A page goes on with the destination that it began with.
  expect((await errorOf(list(service, "support", { pageToken: nextPageToken }))).code).toBe(Code.InvalidArgument);
  await service.stop();
});
