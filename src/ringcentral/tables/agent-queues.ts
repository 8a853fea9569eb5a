import { isJsonObject } from "../../acceptance/json.ts";
import type { ApiFailure, CallApi, CallOptions } from "../calls/call.ts";
import { badAnswer } from "./bad-answer.ts";
import { idText } from "./id-text.ts";
import { readPage } from "./paged-list.ts";

/** The queues of one agent. */
export interface AgentQueues {
  readonly ok: true;
  /** Whether he takes the calls of each of his queues, by queue id. */
  readonly accepts: ReadonlyMap<string, boolean>;
  /** Unix milliseconds. */
  readonly sentAt: number;
}

export const READ_AGENT_QUEUES = "read an agent's call queues";

/** Reads whether an agent takes the calls of each of his queues, in one light call whatever their number. */
export async function readAgentQueues(
  call: CallApi,
  { accountId, extensionId }: { readonly accountId: string; readonly extensionId: string },
  options: CallOptions,
): Promise<AgentQueues | ApiFailure> {
  const answer = await call(
    {
      method: "GET",
      path: `/restapi/v1.0/account/${accountId}/extension/${extensionId}/call-queue-presence`,
      route: "/restapi/v1.0/account/{account}/extension/{extension}/call-queue-presence",
      group: "light",
      action: READ_AGENT_QUEUES,
    },
    options,
  );
  if (!answer.ok) return answer;
  const page = readPage(answer, ({ callQueue, acceptCalls }) => {
    const queueId = isJsonObject(callQueue) ? idText(callQueue.id) : undefined;
    return queueId === undefined || typeof acceptCalls !== "boolean" ? undefined : ([queueId, acceptCalls] as const);
  });
  if (typeof page === "string") return badAnswer(answer, READ_AGENT_QUEUES, page);
  if (page.next !== undefined) return badAnswer(answer, READ_AGENT_QUEUES, "its answer is one page of several");
  return { ok: true, accepts: new Map(page.items), sentAt: answer.sentAt };
}
