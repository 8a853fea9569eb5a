import type { Answer } from "./answer.ts";

const ABSENT = {
  measured: undefined,
  agents: undefined,
  availableAgents: undefined,
  observedAt: undefined,
  validUntil: undefined,
  retryAt: undefined,
};

/** An answer as JSON, as the history keeps it; destination and version are kept beside it. */
export function answerText(answer: Answer): string {
  const { destinationId: _, version: __, ...rest } = answer;
  return JSON.stringify(rest, (_key, value) => (typeof value === "bigint" ? value.toString() : value));
}

/** The answer of such a text. Fields that an older release did not have are absent. */
export function parseAnswer(text: string, of: { destinationId: string; version: bigint }): Answer {
  const { destinationRevision, ...rest } = JSON.parse(text);
  const { destinationId, version } = of;
  return { ...ABSENT, ...rest, destinationId, version, destinationRevision: BigInt(destinationRevision) };
}
