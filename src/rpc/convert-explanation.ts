import { create } from "@bufbuild/protobuf";
import {
  type Explanation as ExplanationMessage,
  ExplanationSchema,
  type PhaseTimings,
} from "../../gen/availability/v1/explanation_pb.ts";
import type { Explanation, Phase } from "../availability/explain.ts";

const PHASES = {
  waitMs: "wait",
  budgetMs: "budget",
  connectMs: "connect",
  firstByteMs: "firstByte",
  bodyMs: "body",
  evaluateMs: "evaluate",
} as const satisfies Record<Phase, keyof PhaseTimings>;

/** The message of an explanation. */
export function explanationMessage(explanation: Explanation): ExplanationMessage {
  const { request, curl, status, acceptance, responseBody, truncated, sentence, hint } = explanation;
  const timings = Object.entries(explanation.timings).map(([phase, ms]) => [PHASES[phase as Phase], duration(ms)]);
  return create(ExplanationSchema, {
    ...(request && { request: preparedRequest(request) }),
    curl,
    status,
    timings: Object.fromEntries(timings),
    patternUsed: acceptance?.patternUsed ?? "",
    canonicalText: acceptance?.canonicalText ?? "",
    matches: [...(acceptance?.matches ?? [])],
    records: [...(acceptance?.records ?? [])],
    responseBody,
    truncated,
    sentence,
    hint,
    ...(acceptance?.rawMeasured !== undefined && { rawMeasured: acceptance.rawMeasured }),
  });
}

/** The message of a request, its token a placeholder. */
export function preparedRequest({ method, url, headers }: NonNullable<Explanation["request"]>) {
  return { method, url, headers: headers.map(([name, value]) => ({ name, value })) };
}

/** A duration to the microsecond. */
export function duration(ms: number) {
  const whole = Math.floor(ms / 1000);
  return { seconds: BigInt(whole), nanos: Math.floor((ms - whole * 1000) * 1000) * 1000 };
}
