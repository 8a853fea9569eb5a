import { type Clock, systemClock } from "../lib/clock.ts";
import type { CriteriaReason, Verdict } from "../lib/reasons.ts";
import { patternOverran } from "../telemetry/events.ts";
import { type AgentCounts, belongs, countAgents } from "./agents.ts";
import { canonicalBody, canonicalRecord, selectRecords } from "./canonical.ts";
import { decide } from "./condition.ts";
import type { Criteria, RegexCriterion } from "./criteria.ts";
import type { PresenceDocument } from "./document.ts";
import type { PresenceField } from "./fields.ts";
import { createGate } from "./gate.ts";
import type { JsonObject } from "./json.ts";
import { describeNumber } from "./message.ts";
import type { SearchTask } from "./search.ts";
import type { SearchOutcome } from "./worker-client.ts";

/** The longest text, in UTF-8 bytes, that a pattern searches as a whole. */
export const MAX_TEXT_BYTES = 1 << 20;

/** Evaluation is what criteria say of one presence document, and why. */
export interface Evaluation {
  readonly verdict: Verdict;
  readonly reason: CriteriaReason;
  /** One sentence; the same for the same numbers, and free of times, names and secrets. */
  readonly message: string;
  /** The number that was compared; absent when nothing was measured. */
  readonly measured?: number;
  readonly agents: AgentCounts;
}

export interface Evaluator {
  /** At once, except for a pattern that needs the worker thread: then a promise. Never throws, never rejects. */
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
    evaluate(criteria, document) {
      const records = selectRecords(document, criteria.onlyExtensions);
      const agents = countAgents(records, criteria.detail);
      const { criterion } = criteria;
      if (criterion.kind === "agents") {
        const belonging = records.map((record) => belongs[criterion.count](record, criteria.detail));
        const known = belonging.filter((belongs) => belongs === true).length;
        const open = belonging.filter((belongs) => belongs === undefined).length;
        return compared(criteria, agents, known, known + open);
      }
      const texts = textsFor(criterion, document, records);
      if (texts === undefined) return failed("the text is larger than 1 MB", agents);
      const task: SearchTask = criterion.scope === "RECORDS" ? "RECORDS" : criterion.type;
      const outcome = gate.search(criterion.pattern, task, texts);
      const judge = (result: SearchOutcome) => judged(criteria, criterion, records, agents, result);
      return outcome instanceof Promise ? outcome.then(judge) : judge(outcome);
    },
    close: () => gate.close(),
  };
}

/** What the pattern is applied to; undefined when that is too large. */
function textsFor(
  { scope }: RegexCriterion,
  document: PresenceDocument,
  records: readonly JsonObject[],
): readonly string[] | undefined {
  if (scope === "RECORDS") return records.map(canonicalRecord);
  const text = scope === "RAW" ? document.raw : canonicalBody(document, records.map(canonicalRecord));
  return text.length > MAX_TEXT_BYTES || Buffer.byteLength(text) > MAX_TEXT_BYTES ? undefined : [text];
}

function judged(
  criteria: Criteria,
  criterion: RegexCriterion,
  records: readonly JsonObject[],
  agents: AgentCounts,
  outcome: SearchOutcome,
): Evaluation {
  if (!outcome.ok) return failed(outcome.problem, agents);
  const { found } = outcome;
  if (criterion.type === "CAPTURE") {
    if (found.captured === undefined) return failed("the pattern captured nothing", agents);
    const number = numberFrom(found.captured);
    if (number === undefined) return failed("what the pattern captured is not a number", agents);
    return compared(criteria, agents, number, number);
  }
  const open = criterion.scope === "RECORDS" ? countOpen(records, found.matched, criterion.fields) : 0;
  const most = criterion.type === "MATCH" ? 1 : Number.POSITIVE_INFINITY;
  return compared(criteria, agents, Math.min(found.count, most), Math.min(found.count + open, most));
}

/** Records that do not match and lack a field whose name stands in the pattern: with it they might. */
function countOpen(
  records: readonly JsonObject[],
  matched: readonly number[],
  fields: readonly PresenceField[],
): number {
  const matches = new Set(matched);
  return records.filter((record, index) => !matches.has(index) && fields.some((field) => record[field] == null)).length;
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

function numberFrom(text: string): number | undefined {
  if (!/^\s*[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\s*$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
