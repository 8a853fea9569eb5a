import type { Evaluation } from "../acceptance/evaluate.ts";
import type { AskableDestination, DestinationEntry } from "../destinations/registry.ts";
import type { Presence } from "../presence/presence.ts";
import { ageOf, type ReadOutcome } from "../presence/snapshot.ts";
import type { Question } from "../ringcentral/question.ts";
import type { Answer } from "./answer.ts";
import { type Caller, type CheckDeps, withMargin } from "./check.ts";
import { type ExplainDeps, type Explanation, explain } from "./explain.ts";
import type { StandingDeps } from "./standing.ts";
import { type Facts, judgedState, undecided } from "./state.ts";

/** Asks RingCentral now about a saved or unsaved destination and explains the answer; changes nothing. */
export type TestDestination = (
  entry: DestinationEntry,
  caller: Pick<Caller, "timeoutMs">,
) => Promise<{ readonly answer: Answer; readonly explanation: Explanation }>;

export function createTestDestination(
  deps: ExplainDeps &
    Pick<StandingDeps, "evaluate"> &
    Pick<CheckDeps, "link"> & {
      readonly presence: Pick<Presence, "probe">;
      readonly question: (destination: AskableDestination) => Question;
    },
): TestDestination {
  const { clock, evaluate, link, presence, question } = deps;
  return async (entry, caller) => {
    const { compiled } = entry;
    const asked = compiled && question(compiled);
    // The answer comes before the caller leaves, and says that no more time was given.
    const endsAt = clock.now() + Math.min(compiled?.timeoutMs ?? 0, withMargin(caller.timeoutMs()));
    const outcome = asked && (await presence.probe(asked, { endsAt, link: link() }));
    const evaluation =
      compiled && outcome?.ok ? await evaluate(compiled.criteria, outcome.snapshot.document) : undefined;
    const answer = { ...answerTo(entry, outcome, evaluation, clock.now()), version: 0n };
    const { document, exchange } = partsOf(outcome);
    const explanation = await explain({ answer, subject: compiled, document, exchange, waitMs: undefined }, deps);
    return { answer, explanation };
  };
}

/** What a Check that asked now would say of the presence; who tests a disabled destination wants to know just that. */
function answerTo(
  entry: DestinationEntry,
  outcome: ReadOutcome | undefined,
  evaluation: Evaluation | undefined,
  now: number,
): Omit<Answer, "version"> {
  const dependsOn = entry.compiled?.criteria.dependsOn ?? [];
  const judged = outcome?.ok && evaluation ? { ...ageOf(outcome.snapshot, dependsOn), evaluation } : undefined;
  const facts: Facts = {
    entry,
    override: undefined,
    judged,
    trouble: undefined,
    lastReal: undefined,
    proven: false,
    staleAfterMs: Number.POSITIVE_INFINITY,
    nextReadAt: undefined,
  };
  if (judged) return judgedState(facts, "LIVE", now).answer;
  if (!outcome || outcome.ok)
    return undecided(facts, { reason: "DESTINATION_INVALID", message: entry.invalid }, now).answer;
  const { failure, until } = outcome.trouble;
  return undecided(facts, { ...failure, retryAt: until > now ? until : undefined }, now).answer;
}

function partsOf(outcome: ReadOutcome | undefined) {
  if (!outcome) return { document: undefined, exchange: undefined };
  if (!outcome.ok) return { document: undefined, exchange: outcome.trouble.exchange };
  return { document: outcome.snapshot.document, exchange: outcome.snapshot.exchange };
}
