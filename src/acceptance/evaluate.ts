import { type Clock, systemClock } from "../lib/clock.ts";
import type { CriteriaReason, Verdict } from "../lib/reasons.ts";
import { patternOverran } from "../telemetry/events.ts";
import { type AgentCounts, belongs, countAgents } from "./agents.ts";
import { canonicalBody, selectRecords, withRecords } from "./canonical.ts";
import { decide } from "./condition.ts";
import type { Criteria, JsonPathCriterion, RegexCriterion } from "./criterion.ts";
import type { PresenceDocument } from "./document.ts";
import { type Field, isPresenceField } from "./fields.ts";
import { createGate, type Gate, isTooLarge } from "./gate.ts";
import type { JsonObject } from "./json.ts";
import { type Measured, measureNodes, measurePattern, NODES_NEEDED } from "./measure.ts";
import { describeNumber } from "./message.ts";
import type { FoundNodes } from "./path-search.ts";
import { availableAgents } from "./property-path.ts";
import { recordTexts } from "./record-texts.ts";
import type { Found, SearchTask } from "./search.ts";
import type { Outcome } from "./worker-client.ts";

/** Evaluation is what criteria say of one presence document, and why. */
export interface Evaluation {
  readonly verdict: Verdict;
  readonly reason: CriteriaReason;
  /** One sentence; the same for the same numbers, and free of times, names and secrets. */
  readonly message: string;
  /** The number that was compared; absent when nothing was measured. */
  readonly measured?: number;
  readonly agents: AgentCounts;
  /** What the property path gives; absent when there is none or it fails. */
  readonly availableAgents?: number;
}

export interface Evaluator {
  /** At once, except for what needs the worker thread: then a promise. Never throws, never rejects. */
  evaluate(criteria: Criteria, document: PresenceDocument): Evaluation | Promise<Evaluation>;
  /** Ends the worker thread; evaluations that wait for it are CRITERIA_FAILED. */
  close(): Promise<void>;
}

/** Makes the one evaluator of a process: it owns the worker thread. */
export function createEvaluator(
  deps: { readonly clock?: Clock; readonly overran?: typeof patternOverran } = {},
): Evaluator {
  const gate = createGate({ clock: deps.clock ?? systemClock, overran: deps.overran ?? patternOverran });
  return {
    evaluate: (criteria, document) => evaluateThrough(gate, criteria, document),
    close: () => gate.close(),
  };
}

/** Evaluates criteria; what may be costly goes through the gate. */
export function evaluateThrough(
  gate: Gate,
  criteria: Criteria,
  document: PresenceDocument,
): Evaluation | Promise<Evaluation> {
  const records = selectRecords(document, criteria.onlyExtensions);
  const evaluation = evaluateCriterion(gate, criteria, document, records);
  if (criteria.propertyPath === undefined) return evaluation;
  const number = availableAgents(gate, criteria.propertyPath, withRecords(document, records));
  const shown = (evaluation: Evaluation, number: number | undefined): Evaluation =>
    number === undefined ? evaluation : { ...evaluation, availableAgents: number };
  return evaluation instanceof Promise || number instanceof Promise
    ? Promise.all([evaluation, number]).then(([evaluation, number]) => shown(evaluation, number))
    : shown(evaluation, number);
}

function evaluateCriterion(
  gate: Gate,
  criteria: Criteria,
  document: PresenceDocument,
  records: readonly JsonObject[],
): Evaluation | Promise<Evaluation> {
  const agents = countAgents(records, criteria.detail);
  const { criterion } = criteria;
  if (criterion.kind === "agents") {
    const belonging = records.map((record) => belongs[criterion.count](record, criteria.detail));
    const known = belonging.filter((belongs) => belongs === true).length;
    const open = belonging.filter((belongs) => belongs === undefined).length;
    return compared(criteria, agents, known, known + open);
  }
  if (criterion.kind === "json_path") {
    const outcome = gate.find(criterion.path, NODES_NEEDED[criterion.type], withRecords(document, records));
    const judge = (result: Outcome<FoundNodes>) => judgedByPath(criteria, criterion, agents, result);
    return outcome instanceof Promise ? outcome.then(judge) : judge(outcome);
  }
  const texts = textsFor(criterion, document, records);
  if (texts === undefined) return failed("the text is larger than 1 MB", agents);
  const task: SearchTask = criterion.scope === "RECORDS" ? "RECORDS" : criterion.type;
  const outcome = gate.search(criterion.pattern, task, texts);
  const judge = (result: Outcome<Found>) => judgedByPattern(criteria, criterion, records, agents, result);
  return outcome instanceof Promise ? outcome.then(judge) : judge(outcome);
}

/** What the pattern is applied to; undefined when that is too large. */
function textsFor(
  { scope }: RegexCriterion,
  document: PresenceDocument,
  records: readonly JsonObject[],
): readonly string[] | undefined {
  if (scope === "RECORDS") return recordTexts(document, records);
  const text = scope === "RAW" ? document.raw : canonicalBody(document, recordTexts(document, records)).text;
  return isTooLarge(text) ? undefined : [text];
}

function judgedByPath(
  criteria: Criteria,
  { type }: JsonPathCriterion,
  agents: AgentCounts,
  outcome: Outcome<FoundNodes>,
): Evaluation {
  return outcome.ok ? judged(criteria, agents, measureNodes(type, outcome.found)) : failed(outcome.problem, agents);
}

function judgedByPattern(
  criteria: Criteria,
  { type, scope, fields }: RegexCriterion,
  records: readonly JsonObject[],
  agents: AgentCounts,
  outcome: Outcome<Found>,
): Evaluation {
  if (!outcome.ok) return failed(outcome.problem, agents);
  const { found } = outcome;
  const open = scope === "RECORDS" ? countOpen(records, found.matched, fields) : 0;
  return judged(criteria, agents, measurePattern(type, found), open, type === "MATCH" ? 1 : undefined);
}

/** Judges by a number that may be up to `open` larger, but not larger than `most`. */
function judged(
  criteria: Criteria,
  agents: AgentCounts,
  measured: Measured,
  open = 0,
  most = Number.POSITIVE_INFINITY,
): Evaluation {
  if ("problem" in measured) return failed(measured.problem, agents);
  return compared(criteria, agents, measured.number, Math.min(measured.number + open, most));
}

function countOpen(records: readonly JsonObject[], matched: readonly number[], fields: readonly Field[]): number {
  const matches = new Set(matched);
  return records.filter((record, index) => !matches.has(index) && lacking(fields, record).length > 0).length;
}

/** A record that does not match and lacks a field whose name stands in the pattern is open: with it it might match. */
export function lacking(fields: readonly Field[], record: JsonObject): readonly Field[] {
  return fields.filter((field) => isPresenceField(field) && record[field] == null);
}

/** The number is one of from, from + 1, ..., to, and `from` is what was measured. */
function compared(criteria: Criteria, agents: AgentCounts, from: number, to: number): Evaluation {
  const holds = decide(criteria.condition, criteria.value, from, to);
  const message = describeNumber(criteria, from, to);
  if (holds === undefined) {
    return { verdict: "UNDECIDED", reason: "PRESENCE_UNKNOWN", message, measured: from, agents };
  }
  return holds
    ? { verdict: "ACCEPTED", reason: "CRITERIA_MET", message, measured: from, agents }
    : { verdict: "REJECTED", reason: "CRITERIA_NOT_MET", message, measured: from, agents };
}

function failed(message: string, agents: AgentCounts): Evaluation {
  return { verdict: "UNDECIDED", reason: "CRITERIA_FAILED", message, agents };
}
