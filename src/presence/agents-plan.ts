import type { Dated } from "../acceptance/dated.ts";
import { RECONCILE_SHARE, SCHEDULED_SHARE } from "../ringcentral/calls/budget.ts";
import type { Connection } from "../ringcentral/connection.ts";
import type { Question } from "../ringcentral/question.ts";
import { asksAgents } from "../ringcentral/tables/join-plan.ts";
import { achievableAgeMs, RECONCILE_MS } from "./cadence.ts";
import type { QuestionReads } from "./question-reads.ts";

/** A question in demand that is read on its own time, and over what. */
export interface Polled {
  readonly reads: QuestionReads;
  readonly connection: Connection;
}

/** AgentsPlan says which of the questions in demand are read by their agents' own lists, since that costs less. */
export interface AgentsPlan {
  /** How often all questions can be read, in milliseconds. */
  readonly achievableMs: number;
  /** Those read by lists, and after how many milliseconds each is read itself: nothing else tells who is in a queue. */
  readonly byLists: ReadonlyMap<QuestionReads, number>;
}

// Queues that were read together must not all be due together: the first of them is so much earlier.
const EARLIEST = 0.5;

/** How to read what is polled, where so many light calls per minute are allowed. */
export function planAgents(polled: readonly Polled[], perMinute: number): AgentsPlan {
  const listed = polled.filter(({ reads }) => partsByLists(reads) !== undefined);
  const agents = new Set(listed.flatMap(({ reads, connection }) => agentsOf(reads.question, connection)));
  const queues = listed.length;
  const itselfMs = Math.max(RECONCILE_MS, achievableAgeMs(queues, RECONCILE_SHARE * perMinute));
  // Never more of them at a time than if each were the earliest.
  const left = SCHEDULED_SHARE * perMinute - (queues * 60_000) / (EARLIEST * itselfMs);
  const achievableMs = achievableAgeMs(polled.length - queues + agents.size, left);
  const byQueuesMs = achievableAgeMs(polled.length, SCHEDULED_SHARE * perMinute);
  if (!asksAgents({ queues, agents: agents.size }) || left <= 0 || achievableMs >= byQueuesMs) {
    return { achievableMs: byQueuesMs, byLists: new Map() };
  }
  const shareOf = (index: number) => EARLIEST + ((1 - EARLIEST) * index) / queues;
  return { achievableMs, byLists: new Map(listed.map(({ reads }, index) => [reads, shareOf(index) * itselfMs])) };
}

/** What is wanted of a question; undefined when lists, and what comes from extensions, do not say all of it. */
export function partsByLists({ demand, question, newest }: QuestionReads): readonly Dated[] | undefined {
  const parts = [...new Set([...demand.askers].flatMap(({ dependsOn }) => dependsOn))];
  const said: readonly Dated[] = question.detail === "QUEUE" ? ["optIn"] : ["optIn", "doNotDisturb", "extension"];
  return newest && parts.length > 0 && parts.every((part) => said.includes(part)) ? parts : undefined;
}

function agentsOf({ queue }: Question, connection: Connection): string[] {
  const { tables } = connection.account(queue.accountId);
  return tables.membersOf(queue.queueId).map((id) => `${connection.key} ${queue.accountId} ${id}`);
}
