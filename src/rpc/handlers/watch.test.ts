import { create } from "@bufbuild/protobuf";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { WatchRequestSchema, type WatchResponse } from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Watch, WatchItem, WatchQuery } from "../../availability/watch.ts";
import type { WatchedSet } from "../../availability/watched-set.ts";
import { watchResponse } from "../convert-watch.ts";
import { ANSWER, clientsOf } from "./test-client.ts";
import { watchHandlers } from "./watch.ts";

const set: WatchedSet = { selection: { ids: new Set(["sales"]) }, scope: { life: "t", set: "s" } };
const items: WatchItem[] = [
  { event: { kind: "resync" }, set, position: undefined },
  { event: { kind: "availability", answer: ANSWER }, set, position: undefined },
  { event: { kind: "synced", serverTime: 1000 }, set, position: 1 },
  { event: { kind: "availability", answer: ANSWER }, set, position: 2 },
  { event: { kind: "heartbeat", serverTime: 1500, confirmed: [ANSWER], upToDate: true }, set, position: 2 },
];

/** A Watch that says some things, one by one, and then waits for its end. */
function fakeWatch() {
  const asked: WatchQuery[] = [];
  const ended: string[] = [];
  const watch: Watch = (query) => {
    asked.push(query);
    const left = [...items];
    return { take: () => left.shift(), close: () => void ended.push("ended") };
  };
  const handler = watchHandlers({ watch }).watch;
  return { asked, ended, handler, ...clientsOf({ watch }).availability };
}

test("watch() sends every event in its order", async () => {
  const { watch } = fakeWatch();
  const got: WatchResponse[] = [];
  for await (const response of watch({ destinationIds: ["sales"] })) if (got.push(response) === items.length) break;
  expect(got).toEqual(items.map(watchResponse));
});

test("watch() fails with the reason, and never ends as if all were done, when its signal is aborted", async () => {
  const { handler, ended } = fakeWatch();
  const control = new AbortController();
  const context = { signal: control.signal } as HandlerContext;
  const answers = handler(create(WatchRequestSchema), context)[Symbol.asyncIterator]();
  for (const item of items) expect(await answers.next()).toEqual({ done: false, value: watchResponse(item) });
  const reason = new Error("draining");
  const next = answers.next();
  control.abort(reason);
  await expect(next).rejects.toBe(reason);
  expect(ended).toEqual(["ended"]);
});

test("watch() hands on what is asked, with the default interval where none is set", async () => {
  const { watch, asked } = fakeWatch();
  const everything = {
    destinationIds: ["a", "b"],
    resumeToken: "t",
    heartbeatInterval: { seconds: 2n },
    passive: true,
  };
  for (const request of [{}, everything, { labelSelector: { team: "a" } }]) {
    for await (const _ of watch(request)) break;
  }
  const plain = { destinationIds: [], selector: {}, resumeToken: "", heartbeatMs: 15_000, passive: false };
  expect(asked).toEqual([
    plain,
    { destinationIds: ["a", "b"], selector: {}, resumeToken: "t", heartbeatMs: 2000, passive: true },
    { ...plain, selector: { team: "a" } },
  ]);
});

test("watch() refuses what breaks a rule before anything is watched", async () => {
  const { watch, asked } = fakeWatch();
  const reading = (async () => {
    for await (const _ of watch({ destinationIds: [""] })) expect.unreachable("an event came");
  })();
  await expect(reading).rejects.toMatchObject({ code: Code.InvalidArgument });
  expect(asked).toEqual([]);
});
