import { type Clock, systemClock } from "../lib/clock.ts";
import { patternOverran } from "../telemetry/events.ts";
import { selectRecords } from "./canonical.ts";
import type { Criteria } from "./criterion.ts";
import type { PresenceDocument } from "./document.ts";
import { type Evaluation, evaluateThrough } from "./evaluate.ts";
import { createGate, type Gate, isTooLarge } from "./gate.ts";
import { measurePattern } from "./measure.ts";
import { type RecordResult, resultsPerRecord } from "./record-results.ts";
import { compileRegex } from "./regex.ts";
import { sentenceFor } from "./sentence.ts";
import { cutText, inBytes, type TextSpan } from "./text-spans.ts";
import { type Counts, viewOf, whatCounts } from "./what-counts.ts";

/** The longest text shown, in UTF-8 bytes. */
export const MAX_SHOWN_BYTES = 256 * 1024;

/** Explanation is an evaluation, with all that a person needs to see why it is so. */
export interface Explanation {
  readonly evaluation: Evaluation;
  /** The pattern after normalisation; absent for criteria without a pattern. */
  readonly patternUsed?: string;
  /** The text the pattern was applied to: for RAW the answer as received, else canonical text; 256 KiB at most. */
  readonly canonicalText: string;
  /** Matches in it, in order; the first 1,000. None for paths and counts of agents; for CAPTURE the one that counts. */
  readonly matches: readonly TextSpan[];
  readonly records: readonly RecordResult[];
  /** What the pattern as written would have measured in the answer as received; absent when that is not known. */
  readonly rawMeasured?: number;
  /** The verdict for a person; then, as sentences of their own, what is not shown and why. */
  readonly sentence: string;
  /** The text was cut. */
  readonly truncated: boolean;
}

export interface Explainer {
  /** Evaluates and says why, under the bounds of any evaluation. Never rejects. */
  explain(criteria: Criteria, document: PresenceDocument): Promise<Explanation>;
  /** Evaluates alone, for who only tries something: it takes no turn from the evaluations of Checks. */
  evaluate(criteria: Criteria, document: PresenceDocument): Evaluation | Promise<Evaluation>;
  /** Ends the worker thread; explanations that wait for it are short ones. */
  close(): Promise<void>;
}

/** Makes the one explainer of a process. It has a worker thread of its own, so that no explanation delays an evaluation. */
export function createExplainer(
  deps: { readonly clock?: Clock; readonly overran?: typeof patternOverran } = {},
): Explainer {
  const gate = createGate({ clock: deps.clock ?? systemClock, overran: deps.overran ?? patternOverran });
  return {
    explain: (criteria, document) => explain(gate, criteria, document),
    evaluate: (criteria, document) => evaluateThrough(gate, criteria, document),
    close: () => gate.close(),
  };
}

async function explain(gate: Gate, criteria: Criteria, document: PresenceDocument): Promise<Explanation> {
  const evaluation = await evaluateThrough(gate, criteria, document);
  const selected = selectRecords(document, criteria.onlyExtensions);
  const view = viewOf(criteria, document, selected);
  const canonicalText = cutText(view.text, MAX_SHOWN_BYTES);
  // What was too much for the evaluation is not tried again.
  const tooMuch = evaluation.reason === "CRITERIA_FAILED" && !mayFailByWhatItFinds(criteria);
  const { counted, matches, note }: Counts = tooMuch
    ? { matches: [] }
    : await whatCounts(gate, criteria, document, selected, view);
  const raw = counted === undefined ? {} : await measureRaw(gate, criteria, document, evaluation);
  const { records, tally } = resultsPerRecord(criteria, document, selected, counted);
  return {
    evaluation,
    ...(criteria.patternUsed === undefined ? {} : { patternUsed: criteria.patternUsed }),
    canonicalText,
    matches: inBytes(canonicalText, matches),
    records,
    ...(raw.measured === undefined ? {} : { rawMeasured: raw.measured }),
    sentence: [sentenceFor(criteria, evaluation, tally), note, raw.note].filter((it) => it !== undefined).join(". "),
    truncated: canonicalText.length < view.text.length,
  };
}

/** Criteria that can fail although they could be evaluated: a capture that is no number, a path to several nodes. */
function mayFailByWhatItFinds({ criterion }: Criteria): boolean {
  return criterion.kind !== "agents" && ["CAPTURE", "NUMBER", "BOOLEAN"].includes(criterion.type);
}

/** What the pattern as written measures in the answer as received. */
async function measureRaw(
  gate: Gate,
  { criterion }: Criteria,
  { raw }: PresenceDocument,
  { measured }: Evaluation,
): Promise<{ readonly measured?: number; readonly note?: string }> {
  if (criterion.kind !== "regex") return {};
  if (criterion.scope === "RAW") return measured === undefined ? {} : { measured };
  const written = compileRegex(criterion.pattern.written, false);
  // A document that no single answer stands behind has no raw text.
  if (!written.ok || raw === "" || isTooLarge(raw)) return {};
  const outcome = await gate.search(written.pattern, criterion.type, [raw]);
  if (!outcome.ok) return { note: `What the raw text would have measured is not known, because ${outcome.problem}` };
  const found = measurePattern(criterion.type, outcome.found);
  return "number" in found ? { measured: found.number } : {};
}
