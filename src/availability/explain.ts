import type { Criteria } from "../acceptance/criteria.ts";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Explanation as Acceptance } from "../acceptance/explain.ts";
import type { Clock } from "../lib/clock.ts";
import type { ReadExchange } from "../presence/snapshot.ts";
import { type PreparedRequest, queuePresenceRequest } from "../templates/ringcentral.ts";
import type { Answer } from "./answer.ts";
import { hintFor } from "./hints.ts";
import type { Subject } from "./subject.ts";

/** Explanation is how an answer came to be. No part of it holds the token. */
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
  /** The answer of RingCentral behind it. */
  readonly exchange: ReadExchange | undefined;
  /** How long the caller waited. */
  readonly waitMs: number | undefined;
}

export interface ExplainDeps {
  readonly clock: Clock;
  readonly explainer: { explain(criteria: Criteria, document: PresenceDocument): Promise<Acceptance> };
}

const MAX_BODY_CHARACTERS = 256 * 1024;

/** Explains an answer. It is off the hot path, and under the same bounds as any evaluation. */
export async function explain(evidence: Evidence, { clock, explainer }: ExplainDeps): Promise<Explanation> {
  const { answer, subject, document, exchange, waitMs } = evidence;
  const token = subject?.access?.token.reveal();
  const beganAt = clock.now();
  const found = subject && document && (await explainer.explain(subject.criteria, document));
  const evaluateMs = found && clock.now() - beganAt;
  const request = subject?.queue && queuePresenceRequest(subject.queue);
  const body = shorten(exchange?.body ?? document?.raw ?? "");
  const { connectMs, firstByteMs, bodyMs } = exchange?.timings ?? {};
  return {
    request,
    curl: request ? curlLine(request) : "",
    status: exchange?.status ?? 0,
    timings: given({ waitMs, budgetMs: exchange?.budgetMs, connectMs, firstByteMs, bodyMs, evaluateMs }),
    acceptance: found && hideIn(found, token),
    responseBody: hide(body.text, token),
    truncated: body.cut || (found?.truncated ?? false),
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
    name === "Authorization" ? '-H "Authorization: Bearer $TOKEN"' : `-H '${name}: ${value}'`,
  );
  return ["curl", "-i", ...options, `'${url}'`].join(" ");
}

function shorten(text: string): { text: string; cut: boolean } {
  if (text.length <= MAX_BODY_CHARACTERS && Buffer.byteLength(text) <= MAX_BODY_CHARACTERS) return { text, cut: false };
  // A character is at most three bytes per UTF-16 unit.
  const bytes = Buffer.from(text.slice(0, MAX_BODY_CHARACTERS)).subarray(0, MAX_BODY_CHARACTERS);
  return { text: bytes.toString().replace(/\uFFFD$/, ""), cut: true };
}

/** A server may send back what it was sent. Stars of the same length leave the places of matches true. */
function hide(text: string, token: string | undefined): string {
  return token ? text.replaceAll(token, "*".repeat(token.length)) : text;
}

function hideIn(found: Acceptance, token: string | undefined): Acceptance {
  return {
    ...found,
    canonicalText: hide(found.canonicalText, token),
    records: found.records.map((record) => ({
      ...record,
      extensionId: hide(record.extensionId, token),
      name: hide(record.name, token),
      extensionNumber: hide(record.extensionNumber, token),
    })),
  };
}

function given<T extends object>(values: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
