import { print } from "../simulator/layout.ts";
import { queuePresence } from "../simulator/presence.ts";
import { World } from "../simulator/world.ts";
import { type CriteriaSpec, compileCriteria, defaultCriteria } from "../src/acceptance/criteria.ts";
import { type PresenceDocument, parseDocument } from "../src/acceptance/document.ts";
import { createEvaluator, type Evaluator } from "../src/acceptance/evaluate.ts";
import { Tables } from "../src/ringcentral/tables/tables.ts";
import { byTurns, type Turns } from "./by-turns.ts";
import type { Figure, Goal } from "./figure.ts";
import type { Bench, Scenario } from "./scenario.ts";
import { exponent, median, overRounds } from "./statistics.ts";

const SIZES = [10, 100, 1_000, 5_000];
const AGENTS = 100;
const READ = "a read";
const GOAL: Goal = { atMost: 4 };
const UNIT = "x JSON.parse";

const counting = (pattern: string, scope: "RECORDS" | "BODY" | "RAW" = "RECORDS"): CriteriaSpec => ({
  criterion: { kind: "regex", type: "COUNT", pattern, scope },
  condition: "GREATER_THAN",
  value: 0,
});

/** What an answer of 100 agents is judged by beside the default criteria. */
const CRITERIA: Readonly<Record<string, CriteriaSpec>> = {
  "the default pattern over BODY": counting('"acceptCurrentQueueCalls": true', "BODY"),
  "the same by another than a literal, over BODY": counting('"acceptCurrentQueueCalls": tru\\w', "BODY"),
  "the same by another than a literal": counting('"acceptCurrentQueueCalls": tru\\w'),
  "two fields as a literal": counting('"acceptQueueCalls":\\s*true,\\s*"acceptCurrentQueueCalls":\\s*true'),
  "two fields with anything between": counting('"acceptQueueCalls": true.*"acceptCurrentQueueCalls": true'),
  "agents AVAILABLE": { criterion: { kind: "agents", count: "AVAILABLE" }, condition: "GREATER_THAN", value: 0 },
  "a JSONPath": {
    criterion: { kind: "json_path", type: "COUNT", path: "$.records[?@.acceptCurrentQueueCalls==true]" },
    condition: "GREATER_THAN",
    value: 0,
  },
};

/** One thing that is measured beside JSON.parse of the body it is about. */
interface Subject {
  readonly name: string;
  readonly agents: number;
  readonly body: string;
  readonly call: () => unknown;
  readonly goal?: Goal;
  readonly rounds: Turns[];
}

/** What it takes to judge an answer, beside what its text alone takes to be parsed. */
export const evaluation: Scenario = {
  name: "evaluation",
  async run(bench) {
    const evaluator = createEvaluator();
    try {
      return await measure(bench, evaluator);
    } finally {
      await evaluator.close();
    }
  },
};

async function measure(bench: Bench, evaluator: Evaluator): Promise<Figure[]> {
  const { rounds, forMs } = bench.short ? { rounds: 1, forMs: 10 } : { rounds: 9, forMs: 100 };
  const sizes = SIZES.map((agents): Subject => {
    const body = bodyOf(agents);
    const call = reader(evaluator, defaultCriteria, body);
    return { name: READ, agents, body, call, ...(agents === AGENTS && { goal: GOAL }), rounds: [] };
  });
  const subjects = [...sizes, ...others(evaluator)];
  // The first round is for the compiler.
  for (let round = 0; round <= rounds; round++) {
    for (const { call, body, rounds } of subjects) {
      const turns = await byTurns(call, () => JSON.parse(body), forMs);
      if (round > 0) rounds.push(turns);
    }
    bench.say(round > 0 ? `evaluation, round ${round} of ${rounds}` : "evaluation, warmed up");
  }
  return [...subjects.map(figure), growth(sizes)];
}

function others(evaluator: Evaluator): Subject[] {
  const body = bodyOf(AGENTS);
  const subject = (name: string, call: () => unknown, of = body): Subject => ({
    name,
    agents: AGENTS,
    body: of,
    call,
    rounds: [],
  });
  const addressed = bodyOf(AGENTS, (record) => ({
    uri: `https://platform.ringcentral.com/restapi/v1.0/account/1/extension/${record.member.id}`,
    ...record,
    member: { ...record.member, id: Number(record.member.id) },
  }));
  return [
    ...Object.entries(CRITERIA).map(([name, spec]) => subject(`${READ}, ${name}`, reader(evaluator, spec, body))),
    subject(`${READ} with numbers and addresses`, reader(evaluator, defaultCriteria, addressed), addressed),
    subject("an event about one agent", teller(evaluator, body)),
  ];
}

/** Parses the body and judges what it says, as each read does. */
function reader(evaluator: Evaluator, spec: CriteriaSpec, body: string): () => unknown {
  const judge = judging(evaluator, spec);
  return () => judge(documentOf(body));
}

/** Tells of an agent who opts in or out, puts the queue's presence together again and judges it, as each push event does. */
function teller(evaluator: Evaluator, body: string): () => unknown {
  const judge = judging(evaluator, defaultCriteria);
  const queueId = "1";
  const now = Date.now();
  const coverageOf = () => ({ since: 0, aliveAt: now, live: true });
  const tables = new Tables({ clock: { now: () => now }, accountId: "1", coverageOf });
  tables.queueRead(queueId, documentOf(body), now);
  const members = tables.membersOf(queueId);
  let told = 0;
  return () => {
    const extensionId = members[told % members.length]!;
    const acceptCurrentQueueCalls = Math.floor(told++ / members.length) % 2 === 0;
    tables.optIn(queueId, [{ extensionId, acceptCurrentQueueCalls }]);
    return judge(tables.compose(queueId, "QUEUE")!.document);
  };
}

function judging(evaluator: Evaluator, spec: CriteriaSpec) {
  const compiled = compileCriteria(spec, { field: "acceptance", onlyExtensions: [], detail: "QUEUE" });
  if ("violations" in compiled) throw new Error(compiled.violations.map(({ description }) => description).join());
  return (document: PresenceDocument) => evaluator.evaluate(compiled.criteria, document);
}

function documentOf(body: string): PresenceDocument {
  const parsed = parseDocument(body);
  if (!parsed.ok) throw new Error(parsed.problem);
  return parsed.document;
}

type Rec = Record<string, unknown> & { readonly member: Readonly<Record<string, unknown>> };

/** A queue's answer as RingCentral lays it out, every third agent opted out. */
function bodyOf(agents: number, change = (record: Rec): Record<string, unknown> => record): string {
  const world = new World({ queues: 1, agents });
  const queue = world.queue(world.queueIds[0]!);
  for (const [index, member] of queue.members.entries()) member.acceptCurrentQueueCalls = index % 3 !== 2;
  const { records } = queuePresence(queue, "jackson");
  return print({ records: records.map((record) => change(record as Rec)) }, "jackson");
}

function figure({ name, agents, body, goal, rounds }: Subject): Figure {
  const { value, spread } = overRounds(rounds.map(({ one, other }) => one / other));
  return {
    scenario: evaluation.name,
    name: `${agents.toLocaleString("en-US")} agents: ${name}`,
    value,
    unit: UNIT,
    spread,
    ...(goal && { goal }),
    more: {
      ms: median(rounds.map(({ one }) => one)),
      "JSON.parse ms": median(rounds.map(({ other }) => other)),
      KB: Math.round(body.length / 1000),
    },
  };
}

/** How the time of a read grows with the agents, by the medians of all rounds: 1 = in proportion. */
function growth(sizes: readonly Subject[]): Figure {
  const over = (which: keyof Turns, among: (rounds: readonly Turns[]) => readonly Turns[]) =>
    exponent(sizes.map(({ agents, rounds }) => [agents, median(among(rounds).map((turns) => turns[which]))]));
  const perRound = sizes[0]!.rounds.map((_, round) => over("one", (rounds) => [rounds[round]!]));
  return {
    scenario: evaluation.name,
    name: `${SIZES[0]} to ${SIZES.at(-1)!.toLocaleString("en-US")} agents: exponent of ${READ}`,
    value: over("one", (rounds) => rounds),
    unit: "",
    spread: overRounds(perRound).spread,
    goal: { atMost: 1.1 },
    more: { "of JSON.parse": over("other", (rounds) => rounds) },
  };
}
