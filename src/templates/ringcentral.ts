import type { Violation } from "../lib/errors.ts";
import { quote } from "../lib/quote.ts";
import { parseServerUrl } from "./server-url.ts";
import { USER_AGENT } from "./user-agent.ts";

/** A call queue whose presence can be asked for, and which of its members count. */
export interface RingCentralQueue {
  readonly origin: string;
  /** `~` (the account of the token) or digits. */
  readonly accountId: string;
  /** Digits; the queue's internal id, not its extension number. */
  readonly queueId: string;
  /** Extension numbers, each once and in order; empty = all members. */
  readonly onlyExtensions: readonly string[];
}

/** A request as it goes out, with placeholders where secrets go. */
export interface PreparedRequest {
  readonly method: "GET";
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** What an unset account means. */
export const DEFAULT_ACCOUNT = "~";
export const QUEUE_PRESENCE_ROUTE = "/restapi/v1.0/account/{account}/call-queues/{queue}/presence";

const DIGITS = /^\d{1,20}$/;
const MOST_EXTENSIONS = 500;

/**
 * Turns the fields of a RingCentralTemplate (empty = unset) into a queue, or says everything that is wrong with them.
 * `context.field` is the path of the template within the request.
 */
export function parseRingCentralTemplate(
  fields: { accountId: string; callQueueId: string; serverUrl: string; onlyExtensions: readonly string[] },
  context: { field: string; allowList: { allows(origin: string): boolean } },
): { template: RingCentralQueue } | { violations: Violation[] } {
  const violations: Violation[] = [];
  const refuse = (field: string, reason: string, description: string) => {
    violations.push({ field: `${context.field}.${field}`, reason, description });
  };

  const accountId = fields.accountId || DEFAULT_ACCOUNT;
  if (accountId !== "~" && !DIGITS.test(accountId)) {
    refuse("account_id", "INVALID_FORMAT", `is ${quote(accountId)}, expected "~" or 1 to 20 digits`);
  }
  const queueId = fields.callQueueId;
  if (queueId === "") refuse("call_queue_id", "REQUIRED", "is empty, expected the queue's internal id");
  else if (!DIGITS.test(queueId)) {
    refuse("call_queue_id", "INVALID_FORMAT", `is ${quote(queueId)}, expected the queue's internal id, 1 to 20 digits`);
  }

  const { allowList } = context;
  const { origin, violation } = parseServerUrl(fields.serverUrl, { field: `${context.field}.server_url`, allowList });
  if (violation) violations.push(violation);
  violations.push(...checkOnlyExtensions(fields.onlyExtensions, `${context.field}.only_extensions`));

  if (origin === undefined || violations.length > 0) return { violations };
  const onlyExtensions = [...new Set(fields.onlyExtensions)].sort();
  return { template: { origin, accountId, queueId, onlyExtensions } };
}

/** What is wrong with a list of extension numbers; `field` is its path. */
export function checkOnlyExtensions(numbers: readonly string[], field: string): Violation[] {
  const violations: Violation[] = [];
  if (numbers.length > MOST_EXTENSIONS) {
    const description = `has ${numbers.length} extension numbers, expected at most ${MOST_EXTENSIONS}`;
    violations.push({ field, reason: "TOO_MANY", description });
  }
  for (const [index, number] of numbers.slice(0, MOST_EXTENSIONS).entries()) {
    if (DIGITS.test(number)) continue;
    const description = `is ${quote(number)}, expected 1 to 20 digits`;
    violations.push({ field: `${field}[${index}]`, reason: "INVALID_FORMAT", description });
  }
  return violations;
}

/**
 * The request that reads a queue's presence, its token as a placeholder.
 * https://developers.ringcentral.com/guide/voice/call-routing/manual/call-queues-presence
 */
export function queuePresenceRequest(queue: Omit<RingCentralQueue, "onlyExtensions">): PreparedRequest {
  return {
    method: "GET",
    url: `${queue.origin}${queuePresencePath(queue)}`,
    headers: [
      ["Accept", "application/json"],
      ["Authorization", "Bearer [token]"],
      ["User-Agent", USER_AGENT],
    ],
  };
}

/** The path that reads a queue's presence. */
export function queuePresencePath({ accountId, queueId }: Pick<RingCentralQueue, "accountId" | "queueId">): string {
  return QUEUE_PRESENCE_ROUTE.replace("{account}", accountId).replace("{queue}", queueId);
}
