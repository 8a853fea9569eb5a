import { afterAll, describe, expect, test } from "vitest";
import { compileCriteria, defaultCriteria } from "../../acceptance/criteria.ts";
import { type PresenceDocument, parseDocument } from "../../acceptance/document.ts";
import { createEvaluator } from "../../acceptance/evaluate.ts";
import { TestClock } from "../../lib/test-clock.ts";
import type { Coverage } from "../push/coverage.ts";
import type { PushFilter } from "../push/push-event.ts";
import { observedAt } from "./compose.ts";
import { Tables } from "./tables.ts";

const evaluator = createEvaluator({ clock: new TestClock() });
afterAll(() => evaluator.close());

interface Member {
  readonly id?: string | number;
  readonly optIn?: boolean;
  readonly takes?: boolean;
  readonly rest?: object;
}

function answer(...members: readonly Member[]): PresenceDocument {
  const records = members.map(({ id, optIn, takes, rest }) => ({
    member: { id, name: `Agent ${id}`, extensionNumber: `10${id}` },
    acceptQueueCalls: takes ?? true,
    ...(optIn !== undefined && { acceptCurrentQueueCalls: optIn }),
    ...rest,
  }));
  const parsed = parseDocument(JSON.stringify({ records }, null, 2));
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.document;
}

function setUp() {
  const clock = { now: 1_000 };
  const coverages = new Map<string, Coverage>();
  const keyOf = (filter: PushFilter) =>
    filter.kind === "queue" ? filter.queueId : filter.kind === "extension" ? filter.extensionId : "account";
  const tables = new Tables({
    clock: { now: () => clock.now },
    accountId: "~",
    coverageOf: (filter) => coverages.get(`${filter.kind} ${keyOf(filter)}`),
  });
  const compose = (queueId: string, joined = false) => {
    const composed = tables.compose(queueId, joined ? "QUEUE_AND_EXTENSION" : "QUEUE");
    if (!composed) throw new Error("not read");
    return composed;
  };
  return {
    clock,
    tables,
    compose,
    cover: (key: string, since: number, aliveAt: number, live = true) => coverages.set(key, { since, aliveAt, live }),
    uncover: (key: string) => coverages.delete(key),
    record: (queueId: string, joined = false) => compose(queueId, joined).document.records[0],
  };
}

const presence = (extensionId: string, rest: object = {}) => ({
  extensionId,
  presence: { presenceStatus: "Available", dndStatus: "TakeAllCalls", telephonyStatus: "NoCall", ...rest },
});

describe("compose()", () => {
  test("gives nothing before the first read, and the answer as it is after it", () => {
    const { tables, compose } = setUp();
    expect(tables.compose("7", "QUEUE")).toBeUndefined();
    const document = answer({ id: "1", optIn: true });
    tables.queueRead("7", document, 900);
    expect(compose("7").document).toBe(document);
    expect(compose("7").observed.answer).toEqual({ at: 900, coverages: [] });
  });

  test("joins what is known of the extensions, and leaves the rest as it is", () => {
    const { tables, compose } = setUp();
    const document = answer({ id: 1, optIn: true }, { id: "2", optIn: true }, { id: "3", optIn: false });
    tables.queueRead("7", document, 900);
    tables.extensionsRead([presence("1"), { extensionId: "3", presence: { reason: "gone", until: 2_000 } }], 950);
    const joined = compose("7", true).document;
    expect(joined.records[0]).toEqual({ ...document.records[0], ...presence("1").presence });
    expect(joined.records[1]).toBe(document.records[1]);
    expect(joined.records[2]).toBe(document.records[2]);
    expect(joined.raw).toBe(document.raw);
    expect(joined.json.records).toBe(joined.records);
    expect(compose("7").document).toBe(document);
  });

  test("keeps what the queue's answer says itself, with the answer's age", () => {
    const { tables, compose, cover } = setUp();
    cover("account account", 0, 1_000);
    tables.queueRead("7", answer({ id: "1", optIn: true, rest: { presenceStatus: "Busy" } }), 800);
    tables.extensionsRead([presence("1")], 950);
    expect(compose("7", true).document.records[0]).toMatchObject({ presenceStatus: "Busy", telephonyStatus: "NoCall" });
    expect(observedAt(compose("7", true).observed, ["extension"])).toEqual({ at: 800, pushed: false });
  });

  test("gives the same document while nothing in it is different, and else the same records where they are", () => {
    const { tables, compose } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    tables.extensionsRead([presence("1"), presence("2")], 900);
    const { document } = compose("7", true);
    tables.extensionChanged("1", { telephonyStatus: "NoCall", dndStatus: "TakeAllCalls" });
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 950);
    tables.extensionsRead([presence("1"), presence("2")], 950);
    expect(compose("7", true).document).toBe(document);
    tables.extensionChanged("2", { telephonyStatus: "Ringing" });
    const changed = compose("7", true).document;
    expect(changed).not.toBe(document);
    expect(changed.records[0]).toBe(document.records[0]);
    expect(document.records[1]).toMatchObject({ telephonyStatus: "NoCall" });
    expect(changed.records[1]).toMatchObject({ telephonyStatus: "Ringing" });
  });

  test("hands on what is printed of a document to the one that an event makes of it", () => {
    const { tables, compose } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    const { document } = compose("7");
    document.printed = { records: document.records, texts: ["one", "two"] };
    tables.optIn("7", [{ extensionId: "2", acceptCurrentQueueCalls: false }]);
    const changed = compose("7").document;
    expect(changed.records[1]).not.toBe(document.records[1]);
    expect(changed.printed).toBe(document.printed);
  });

  test("gives joined records that the pattern with presenceStatus means what it says of", async () => {
    const { tables, compose } = setUp();
    const compiled = compileCriteria(
      {
        ...defaultCriteria,
        criterion: {
          kind: "regex",
          type: "COUNT",
          scope: "RECORDS",
          pattern: '"acceptCurrentQueueCalls": true.*"presenceStatus": "Available"',
        },
      },
      { field: "acceptance", onlyExtensions: [], detail: "QUEUE_AND_EXTENSION" },
    );
    if ("violations" in compiled) throw new Error(JSON.stringify(compiled.violations));
    const members = ["1", "2", "3", "4"].map((id) => ({ id, optIn: id !== "3" }));
    tables.queueRead("7", answer(...members), 900);
    tables.extensionsRead([presence("1"), presence("2", { presenceStatus: "Busy" }), presence("3")], 950);
    const evaluate = () => evaluator.evaluate(compiled.criteria, compose("7", true).document);
    expect(await evaluate()).toMatchObject({
      verdict: "ACCEPTED",
      measured: 1,
      message: "1 to 2 matches, needs more than 0",
    });
    tables.extensionsRead([presence("4")], 960);
    expect(await evaluate()).toMatchObject({ measured: 2, agents: { available: 3, onCall: 0, offline: 0 } });
    tables.extensionChanged("4", { presenceStatus: "Busy", telephonyStatus: "CallConnected" });
    tables.extensionChanged("1", { presenceStatus: "Offline" });
    expect(await evaluate()).toMatchObject({
      verdict: "REJECTED",
      measured: 0,
      agents: { total: 4, available: 2, onCall: 1, offline: 1, unknown: 0 },
    });
  });
});

describe("events", () => {
  test("change one agent's opt-in in one queue, Do Not Disturb in all of them", () => {
    const { tables, record } = setUp();
    for (const queueId of ["7", "8"]) tables.queueRead(queueId, answer({ id: "1", optIn: true }), 900);
    expect(tables.optIn("7", [{ extensionId: "1", acceptCurrentQueueCalls: false }])).toEqual(["7"]);
    expect(record("7")).toMatchObject({ acceptCurrentQueueCalls: false, acceptQueueCalls: true });
    expect(record("8")).toMatchObject({ acceptCurrentQueueCalls: true });
    expect(tables.extensionChanged("1", { dndStatus: "DoNotAcceptDepartmentCalls" })).toEqual(["7", "8"]);
    expect(record("7")).toMatchObject({ acceptQueueCalls: false });
    expect(record("8")).toMatchObject({ acceptQueueCalls: false });
    expect(record("8", true)).toMatchObject({ dndStatus: "DoNotAcceptDepartmentCalls" });
  });

  test("change a queue that was read since with another Do Not Disturb, though they are no news of the extension", () => {
    const { tables, record, clock } = setUp();
    tables.extensionsRead([presence("1", { dndStatus: "DoNotAcceptAnyCalls" })], 900);
    tables.queueRead("7", answer({ id: "1", optIn: true, takes: true }), 950);
    expect(record("7")).toMatchObject({ acceptQueueCalls: true });
    clock.now = 1_100;
    expect(tables.extensionChanged("1", { dndStatus: "DoNotAcceptAnyCalls" })).toEqual(["7"]);
    expect(record("7")).toMatchObject({ acceptQueueCalls: false });
  });

  test("change nothing and nobody when they tell what is known, or of extensions in no queue", () => {
    const { tables } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }), 900);
    tables.extensionsRead([presence("1")], 900);
    expect(tables.extensionChanged("1", { telephonyStatus: "NoCall" })).toEqual([]);
    expect(tables.extensionChanged("5", { telephonyStatus: "Ringing" })).toEqual([]);
    expect(tables.optIn("9", [{ extensionId: "1", acceptCurrentQueueCalls: true }])).toEqual([]);
  });

  test("say that a queue is outdated when they tell of agents who were not read in it, until it is read again", () => {
    const { tables, clock, compose, cover } = setUp();
    cover("queue 7", 0, 1_000);
    tables.queueRead("7", answer({ id: "1", optIn: true }), 900);
    expect(tables.outdated("7")).toBe(false);
    expect(compose("7").observed.optIn.coverages).toHaveLength(1);
    tables.optIn("7", [{ extensionId: "2", acceptCurrentQueueCalls: true }]);
    expect(tables.outdated("7")).toBe(true);
    expect(compose("7").observed.optIn).toEqual({ at: 900, coverages: [] });
    clock.now = 1_100;
    tables.queueRead("7", answer({ id: "1", optIn: true }), 1_050);
    expect(tables.outdated("7")).toBe(false);
  });

  test("leave acceptQueueCalls out when what they tell may not be the whole of it", () => {
    const { tables, record, compose, cover } = setUp();
    cover("extension 1", 0, 1_000);
    tables.queueRead("7", answer({ id: "1", optIn: true, takes: false }), 900);
    expect(compose("7").observed.doNotDisturb.coverages).toHaveLength(1);
    tables.extensionChanged("1", { dndStatusPersonal: "TakeAllCalls" });
    expect(record("7")).not.toHaveProperty("acceptQueueCalls");
    expect(compose("7").observed.doNotDisturb).toEqual({ at: 900, coverages: [] });
  });
});

test("agentQueuesRead() says of an agent's queues whether he takes their calls, and that he is in no others", () => {
  const { tables, record, compose } = setUp();
  for (const queueId of ["7", "8", "9"]) tables.queueRead(queueId, answer({ id: "1", optIn: true }), 900);
  tables.queueRead("10", answer({ id: "2", optIn: true }), 900);
  const accepts = new Map([["7", false], ["8", true], ["10", true], ["11", true]]); // biome-ignore format: a table
  expect(tables.agentQueuesRead("1", accepts, 950)).toEqual(["7", "8", "10", "9"]);
  expect(record("7")).toMatchObject({ acceptCurrentQueueCalls: false });
  expect(compose("7").observed.optIn.at).toBe(950);
  expect(compose("7").observed.doNotDisturb.at).toBe(900);
  expect(["7", "8", "9", "10", "11"].filter((id) => tables.outdated(id))).toEqual(["9", "10"]);
});

describe("observed", () => {
  test("is as old as the oldest read behind each part", () => {
    const { tables, compose } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    tables.extensionsRead([presence("1")], 950);
    expect(compose("7", true).observed.extension).toEqual({ at: 0, coverages: [] });
    tables.extensionsRead([presence("2", { dndStatus: undefined })], 920);
    const { observed } = compose("7", true);
    expect(observedAt(observed, ["extension"])).toEqual({ at: 920, pushed: false });
    expect(observedAt(observed, ["optIn"])).toEqual({ at: 900, pushed: false });
    expect(observedAt(observed, ["doNotDisturb"])).toEqual({ at: 900, pushed: false });
    tables.extensionsRead([presence("2")], 930);
    expect(observedAt(compose("7", true).observed, ["doNotDisturb"]).at).toBe(930);
    expect(compose("7").observed.extension).toEqual({ at: 900, coverages: [] });
  });

  test("leaves out those of whom nothing can be known", () => {
    const { tables, compose } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    tables.extensionsRead([{ extensionId: "1", presence: { reason: "gone", until: 2_000 } }], 800);
    tables.extensionsRead([presence("2")], 950);
    expect(compose("7", true).observed.extension.at).toBe(950);
  });

  test("is kept current by the queue's filter for opting in, and by the extensions' for the rest", () => {
    const { tables, compose, cover } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    tables.extensionsRead([presence("1"), presence("2")], 900);
    cover("queue 7", 850, 990);
    cover("extension 1", 850, 980);
    const { observed } = compose("7", true);
    expect(observedAt(observed, ["optIn"])).toEqual({ at: 990, pushed: true });
    expect(observedAt(observed, ["extension"])).toEqual({ at: 900, pushed: false });
    cover("extension 2", 850, 970);
    expect(observedAt(compose("7", true).observed, ["extension"])).toEqual({ at: 970, pushed: true });
    expect(observedAt(compose("7", true).observed, ["optIn", "doNotDisturb", "extension"])).toEqual({
      at: 970,
      pushed: true,
    });
    expect(observedAt(compose("7", true).observed, ["optIn", "answer"])).toEqual({ at: 900, pushed: false });
    cover("extension 2", 850, 970, false);
    expect(observedAt(compose("7", true).observed, ["extension"])).toEqual({ at: 970, pushed: false });
  });

  test("is kept current by the account's filter where an extension has none of its own", () => {
    const { tables, compose, cover } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    cover("account account", 850, 980);
    expect(observedAt(compose("7").observed, ["doNotDisturb"])).toEqual({ at: 980, pushed: true });
    cover("account account", 850, 960, false);
    cover("extension 1", 850, 990);
    expect(compose("7").observed.doNotDisturb.coverages).toHaveLength(2);
    expect(observedAt(compose("7").observed, ["doNotDisturb"])).toEqual({ at: 960, pushed: false });
  });

  test("is not kept current by what began after a read of any member", () => {
    const { tables, compose, cover } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    tables.extensionsRead([presence("1"), presence("2")], 960);
    cover("queue 7", 950, 1_000);
    cover("account account", 950, 1_000);
    expect(observedAt(compose("7", true).observed, ["optIn"])).toEqual({ at: 900, pushed: false });
    expect(observedAt(compose("7", true).observed, ["extension"])).toEqual({ at: 1_000, pushed: true });
  });

  test("is kept current in an empty queue by what tells who is in it", () => {
    const { tables, compose, cover } = setUp();
    tables.queueRead("7", answer(), 900);
    expect(observedAt(compose("7", true).observed, ["extension"])).toEqual({ at: 900, pushed: false });
    cover("queue 7", 850, 1_000);
    expect(observedAt(compose("7", true).observed, ["optIn", "doNotDisturb", "extension"])).toEqual({
      at: 1_000,
      pushed: true,
    });
  });

  test("is not kept current for a record that names no extension", () => {
    const { tables, compose, cover } = setUp();
    cover("queue 7", 850, 1_000);
    cover("account account", 850, 1_000);
    tables.queueRead("7", answer({ optIn: true }), 900);
    expect(observedAt(compose("7").observed, ["optIn", "doNotDisturb"])).toEqual({ at: 900, pushed: false });
  });

  test("goes on being as new as push proves alive, without being put together again", () => {
    const { tables, compose, cover } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }, { id: "2", optIn: true }), 900);
    cover("queue 7", 850, 980);
    cover("extension 1", 850, 980);
    cover("extension 2", 850, 980);
    const { observed } = compose("7");
    for (const key of ["queue 7", "extension 1", "extension 2"]) cover(key, 850, 5_000);
    expect(observedAt(observed, ["optIn", "doNotDisturb"])).toEqual({ at: 5_000, pushed: true });
    cover("extension 2", 850, 5_500, false);
    expect(observedAt(observed, ["optIn", "doNotDisturb"])).toEqual({ at: 5_000, pushed: false });
    // What another session proves says nothing of what was read before it.
    cover("queue 7", 6_000, 7_000);
    expect(observedAt(observed, ["optIn"])).toEqual({ at: 5_000, pushed: false });
  });

  test("stays as new as the end of a coverage when another has begun", () => {
    const { tables, compose, cover, uncover } = setUp();
    tables.queueRead("7", answer({ id: "1", optIn: true }), 900);
    cover("queue 7", 850, 980);
    expect(observedAt(compose("7").observed, ["optIn"]).at).toBe(980);
    cover("queue 7", 990, 995);
    expect(observedAt(compose("7").observed, ["optIn"])).toEqual({ at: 980, pushed: false });
    uncover("queue 7");
    expect(observedAt(compose("7").observed, ["optIn"])).toEqual({ at: 980, pushed: false });
    tables.queueRead("7", answer({ id: "1", optIn: true }), 1_000);
    cover("queue 7", 990, 1_005);
    expect(observedAt(compose("7").observed, ["optIn"])).toEqual({ at: 1_005, pushed: true });
  });
});

describe("staleExtensions()", () => {
  test("gives those that are not as new as asked by a read or by push, each once", () => {
    const { tables, clock, cover } = setUp();
    tables.queueRead("7", answer({ id: "1" }, { id: "2" }, { id: "3" }), 900);
    const rows = [presence("1"), { extensionId: "3", presence: { reason: "gone", until: 2_000 } }];
    tables.extensionsRead(rows, 900);
    expect(tables.staleExtensions(["1", "2", "3", "2"], 900)).toEqual(["2"]);
    expect(tables.staleExtensions(["1", "2", "3"], 950)).toEqual(["1", "2"]);
    cover("extension 1", 850, 960);
    expect(tables.staleExtensions(["1", "2", "3"], 950)).toEqual(["2"]);
    expect(tables.staleExtensions(["1"], 970)).toEqual(["1"]);
    clock.now = 2_000;
    expect(tables.staleExtensions(["3"], 900)).toEqual(["3"]);
  });
});

test("forget() drops a queue, and extensions that are in no other", () => {
  const { tables } = setUp();
  tables.queueRead("7", answer({ id: "1" }, { id: "2" }), 900);
  tables.queueRead("8", answer({ id: "2" }), 900);
  tables.extensionsRead([presence("1"), presence("2")], 900);
  expect(tables.membersOf("7")).toEqual(["1", "2"]);
  expect(tables.queuesOf("2")).toEqual(["7", "8"]);
  tables.forget("7");
  expect(tables.membersOf("7")).toEqual([]);
  expect(tables.queuesOf("2")).toEqual(["8"]);
  expect(tables.queuesOf("1")).toEqual([]);
  expect(tables.extensionCount).toBe(1);
  expect(tables.compose("7", "QUEUE")).toBeUndefined();
  tables.queueRead("8", answer(), 950);
  expect(tables.extensionCount).toBe(0);
});
