import type { Criteria } from "../acceptance/criteria.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import { type Explanation as Acceptance, MAX_SHOWN_BYTES } from "../acceptance/explain.ts";
import { cutText } from "../acceptance/text-spans.ts";
import type { Clock } from "../lib/clock.ts";
import type { Exchange } from "../ringcentral/calls/call.ts";
import { type PreparedRequest, queuePresenceRequest } from "../templates/ringcentral.ts";
import type { Answer } from "./answer.ts";
import { hintFor } from "./hints.ts";
import type { Subject } from "./subject.ts";

/** Explanation is how an answer came to be. The token is in no part of it: answers lose it where they are received. */
export interface Explanation {
  readonly request: PreparedRequest | undefined;
  /** The same as a curl command line, the token as $TOKEN; empty without a request. */
  readonly curl: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Where the time went, in milliseconds; a phase that did not happen is absent. */
  readonly timings: Partial<Record<Phase, number>>;
  /** What the criteria found; absent when there was nothing to apply them to. */
  readonly acceptance: Acceptance | undefined;
  /** As received, 256 KiB at most. */
  readonly responseBody: string;
  readonly truncated: boolean;
  readonly sentence: string;
  readonly hint: string;
}

export type Phase = "waitMs" | "budgetMs" | "connectMs" | "firstByteMs" | "bodyMs" | "evaluateMs";

/** What an explanation is made from. */
export interface Evidence {
  readonly answer: Answer;
  readonly subject: Subject | undefined;
  /** The presence behind the answer. */
  readonly document: PresenceDocument | undefined;
  /** The answer of RingCentral behind it; of a given one the body alone. */
  readonly exchange: Partial<Exchange> | undefined;
  /** How long the caller waited. */
  readonly waitMs: number | undefined;
}

export interface ExplainDeps {
  readonly clock: Clock;
  readonly explainer: { explain(criteria: Criteria, document: PresenceDocument): Promise<Acceptance> };
}

/** Explains an answer. It is off the hot path, and under the same bounds as any evaluation. */
export async function explain(evidence: Evidence, { clock, explainer }: ExplainDeps): Promise<Explanation> {
  const { answer, subject, document, exchange, waitMs } = evidence;
  const beganAt = clock.now();
  const found = subject && document && (await explainer.explain(subject.criteria, document));
  const evaluateMs = found && clock.now() - beganAt;
  const request = subject?.queue && queuePresenceRequest(subject.queue);
  const body = exchange?.body ?? document?.raw ?? "";
  const responseBody = cutText(body, MAX_SHOWN_BYTES);
  const { budgetMs, connectMs, firstByteMs, bodyMs } = exchange?.timings ?? {};
  return {
    request,
    curl: request ? curlLine(request) : "",
    status: exchange?.status ?? 0,
    timings: given({ waitMs, budgetMs, connectMs, firstByteMs, bodyMs, evaluateMs }),
    acceptance: found,
    responseBody,
    truncated: responseBody.length < body.length || (found?.truncated ?? false),
    sentence: sentenceOf(answer, found),
    hint: hintFor({ answer, subject, document }),
  };
}

/** The criteria's sentence where they decided, else the answer's. */
function sentenceOf(answer: Answer, found: Acceptance | undefined): string {
  if (found && answer.reason === found.evaluation.reason) return found.sentence;
  return answer.source === "LAST_KNOWN" ? `${answer.message}; the last known verdict is used` : answer.message;
}

function curlLine({ url, headers }: PreparedRequest): string {
  const options = headers.map(([name, value]) =>
    name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : `-H ${inShell(`${name}: ${value}`)}`,
  );
  return ["curl", "-i", ...options, inShell(url)].join(" ");
}

/** One word of a shell's command line, whatever stands in it. */
function inShell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
