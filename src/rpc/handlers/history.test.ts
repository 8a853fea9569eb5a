import { create, isMessage } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { Reason } from "../../../gen/availability/v1/availability_pb.ts";
import { DestinationSchema } from "../../../gen/availability/v1/destination_pb.ts";
import {
  DestinationService,
  ListAvailabilityHistoryRequestSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import type { Answer } from "../../availability/answer.ts";
import { History } from "../../availability/history.ts";
import type { DestinationEntry } from "../../destinations/registry.ts";
import { systemClock } from "../../lib/clock.ts";
import { invalid } from "../../lib/errors.ts";
import { Problems } from "../../lib/problems.ts";
import { TestClock } from "../../lib/test-clock.ts";
import { openHistoryInMemory } from "../../stores/open-history.ts";
import { availabilityMessage } from "../convert-availability.ts";
import { Lifecycle } from "../guard-lifecycle.ts";
import { createGuards, type Validate } from "../guards.ts";
import { checkHistoryRequest, historyToken } from "../history-request.ts";
import { historyHandlers } from "./history.ts";

const T = Date.UTC(2026, 0, 5, 10, 41);

/** The handler behind the guards, with one destination, "sales". */
function served() {
  const history = new History({ clock: new TestClock(T + 30_000), store: openHistoryInMemory() });
  const registry = { get: (id: string) => (id === "sales" ? entry(id) : undefined) };
  const lifecycle = new Lifecycle({ clock: systemClock });
  lifecycle.serve();
  const handlers = historyHandlers({ history, registry });
  const client = createClient(
    DestinationService,
    createRouterTransport((router) => void router.service(DestinationService, handlers), {
      router: { interceptors: createGuards({ validate, lifecycle }) },
    }),
  );
  return { history, list: client.listAvailabilityHistory };
}

const validate: Validate = (message, method) => {
  const problems = new Problems();
  if (isMessage(message, ListAvailabilityHistoryRequestSchema)) checkHistoryRequest(message, problems);
  if (problems.violations.length > 0) throw invalid(`call ${method.name}`, problems.violations);
};

function entry(id: string): DestinationEntry {
  return {
    id,
    revision: 1n,
    labels: {},
    disabled: false,
    message: create(DestinationSchema, { id }),
    compiled: undefined,
    invalid: "",
    templateRevision: 1n,
    credentialRevision: 0n,
    proven: false,
  };
}

function answer(version: number, given: Partial<Answer> = {}): Answer {
  return {
    destinationId: "sales",
    accepted: false,
    verdict: "REJECTED",
    reason: "CRITERIA_NOT_MET",
    message: "0 matches, needs more than 0",
    measured: 0,
    agents: { total: 2, available: 0 },
    availableAgents: undefined,
    observedAt: T,
    validUntil: T + 10_000,
    source: "CACHE",
    destinationRevision: 3n,
    version: BigInt(version),
    retryAt: undefined,
    ...given,
  };
}

test('"why was the call of 10:41 not routed?" has an answer', async () => {
  const { history, list } = served();
  history.changed(answer(1, { accepted: true, verdict: "ACCEPTED", reason: "CRITERIA_MET" }), T - 90_000);
  history.changed(answer(2), T - 20_000);
  const call = { destinationId: "sales", reason: "CRITERIA_NOT_MET", accepted: false } as const;
  history.checked(call);
  history.checked(call);
  history.checked({ ...call, reason: "NOT_IN_TIME", accepted: true });
  const asked = { destinationId: "sales", startTime: timestampFromMs(T), endTime: timestampFromMs(T + 60_000) };
  const { changes, checkCounts, nextPageToken } = await list(asked);
  expect(changes).toEqual([availabilityMessage(answer(2))]);
  expect(changes[0]).toMatchObject({ accepted: false, message: "0 matches, needs more than 0", version: 2n });
  const minute = timestampFromMs(T);
  expect(checkCounts).toMatchObject([
    { minute, reason: Reason.CRITERIA_NOT_MET, count: 2n, accepted: 0n },
    { minute, reason: Reason.NOT_IN_TIME, count: 1n, accepted: 1n },
  ]);
  expect(nextPageToken).toBe("");
});

test("listAvailabilityHistory() gives pages, with counts on the first alone", async () => {
  const { history, list } = served();
  for (let version = 1; version <= 5; version++) history.changed(answer(version), T + version);
  history.checked(answer(5));
  const pages = [];
  let pageToken = "";
  do {
    const page = await list({ destinationId: "sales", pageSize: 2, pageToken });
    pages.push([page.changes.map(({ version }) => Number(version)), page.checkCounts.length]);
    pageToken = page.nextPageToken;
  } while (pageToken);
  expect(pages).toEqual([
    [[1, 2], 1],
    [[3, 4], 0],
    [[5], 0],
  ]);
});

test("listAvailabilityHistory() answers for a destination that was deleted as long as there is history", async () => {
  const { history, list } = served();
  history.changed(answer(1, { destinationId: "gone" }), T);
  history.removed("gone", 2n, T + 10);
  expect((await list({ destinationId: "gone" })).changes).toHaveLength(1);
  const later = { destinationId: "gone", startTime: timestampFromMs(T + 20), endTime: timestampFromMs(T + 30) };
  await expect(list(later)).rejects.toMatchObject({
    code: Code.NotFound,
    rawMessage: 'Cannot list the history of destination "gone": it does not exist',
  });
});

test("listAvailabilityHistory() is empty for a destination that has no history yet", async () => {
  const { list } = served();
  expect(await list({ destinationId: "sales" })).toMatchObject({ changes: [], checkCounts: [], nextPageToken: "" });
});

test("listAvailabilityHistory() refuses a wrong request before it looks anything up", async () => {
  const { list } = served();
  const pageToken = historyToken("support", 5n);
  const error = ConnectError.from(await list({ destinationId: "sales", pageSize: -1, pageToken }).catch((e) => e));
  expect(error.code).toBe(Code.InvalidArgument);
  expect(error.rawMessage).toMatch(/page_size is -1, expected 0 or more \(and 1 more\)/);
});

test("listAvailabilityHistory() is UNAVAILABLE while the history cannot be read", async () => {
  const { history, list } = served();
  await history.close();
  await expect(list({ destinationId: "sales" })).rejects.toMatchObject({
    code: Code.Unavailable,
    rawMessage: expect.stringMatching(/^Cannot read store/),
  });
});
