import type { Dated } from "../acceptance/dated.ts";
import { parseDocument } from "../acceptance/document.ts";
import { QUEUE_PRESENCE_ROUTE, queuePresencePath } from "../templates/ringcentral.ts";
import { requestIdOf } from "../upstream/attempt-span.ts";
import type { ApiFailure, ApiSuccess, CallApi, CallOptions, Exchange } from "./calls/call.ts";
import type { Question } from "./question.ts";
import type { AgentLists } from "./tables/agent-lists.ts";
import { type Composed, observedAt } from "./tables/compose.ts";
import type { ExtensionRefresh } from "./tables/extension-refresh.ts";
import type { Tables } from "./tables/tables.ts";
import { truncation } from "./truncation.ts";

export interface ReadOptions extends CallOptions {
  /** How new the parts have to be that are put together with the queue's answer, Unix milliseconds; asked for once. */
  readonly notBefore: () => number;
  /** What agents' own lists have to say enough of, where they cost less than the queues' answers; undefined elsewhere. */
  readonly byAgents?: (() => ByAgents | undefined) | undefined;
}

/** A read of a queue by its agents' lists: who they are is known from the answer before. */
export interface ByAgents {
  /** The parts that somebody wants. */
  readonly parts: readonly Dated[];
  /** When that answer has to have been read, Unix milliseconds. */
  readonly membersSince: number;
}

/** What a read came to. The queue's own answer is not behind it where agents' lists are. */
export type ReadResult = (Composed & { readonly ok: true; readonly exchange?: Exchange | undefined }) | ApiFailure;

export interface PresenceReader {
  /** Reads the answer to a question from RingCentral. It never rejects: trouble is a result. */
  read(question: Question, options: ReadOptions): Promise<ReadResult>;
  /** The same put together from what is known now; undefined before the first read. */
  current(question: Question): Composed | undefined;
  /** Something contradicts who is in the queue: until the next read some may be missing, or be told of who left. */
  outdated(question: Question): boolean;
}

/** What is known of the presence in one account, and how its extensions are read. */
export interface AccountPresence {
  readonly tables: Pick<Tables, "queueRead" | "compose" | "membersOf" | "outdated">;
  readonly extensions: Pick<ExtensionRefresh, "refresh">;
  readonly lists?: Pick<AgentLists, "allowed" | "refresh">;
}

// One failure may answer for every queue of a connection, so its sentence names none.
const ACTION = "read queue presence";

/** The reader of queue presence; it knows nothing of snapshots, budgets and back-offs. */
export function createPresenceReader(deps: {
  call: CallApi;
  account: (accountId: string) => AccountPresence;
}): PresenceReader {
  return {
    async read(question, options) {
      const { queue, detail } = question;
      // Whoever is read by himself is asked for at once.
      const parts = partsByAgents(question, options);
      const byAgents = parts && (await readByAgents(question, parts, options));
      if (byAgents) return byAgents;
      const { tables, extensions } = deps.account(queue.accountId);
      const answer = await readQueue(queue, options);
      if (!answer.ok) return answer;
      const { sentAt, exchange, document } = answer;
      tables.queueRead(queue.queueId, document, sentAt);
      if (detail === "QUEUE_AND_EXTENSION") {
        const members = tables.membersOf(queue.queueId);
        const refreshed = await extensions.refresh(members, options.notBefore(), options);
        if (!refreshed.ok) return refreshed;
      }
      return { ok: true, ...tables.compose(queue.queueId, detail)!, exchange };
    },

    current({ queue, detail }) {
      return deps.account(queue.accountId).tables.compose(queue.queueId, detail);
    },

    outdated({ queue }) {
      return deps.account(queue.accountId).tables.outdated(queue.queueId);
    },
  };

  /** The parts that agents' lists are to tell of; undefined where the queue itself is to be asked. */
  function partsByAgents({ queue, detail }: Question, { byAgents }: ReadOptions): readonly Dated[] | undefined {
    const wanted = byAgents?.();
    if (!wanted) return undefined;
    const { tables, lists } = deps.account(queue.accountId);
    const answeredAt = tables.compose(queue.queueId, detail)?.observed.answer.at ?? 0;
    const known = answeredAt >= wanted.membersSince && !tables.outdated(queue.queueId);
    return known && lists?.allowed ? wanted.parts : undefined;
  }

  /** What agents' lists say; undefined when that is not all that is wanted, or not new enough: then the queue is read. */
  async function readByAgents({ queue, detail }: Question, parts: readonly Dated[], options: ReadOptions) {
    const { tables, extensions, lists } = deps.account(queue.accountId);
    const members = tables.membersOf(queue.queueId);
    const notBefore = options.notBefore();
    const [listed, joined] = await Promise.all([
      lists?.refresh(members, notBefore, options),
      detail === "QUEUE" ? undefined : extensions.refresh(members, notBefore, options),
    ]);
    const composed = tables.compose(queue.queueId, detail);
    if (!listed?.ok || joined?.ok === false || !composed || tables.outdated(queue.queueId)) return undefined;
    return observedAt(composed.observed, parts).at < notBefore ? undefined : ({ ok: true, ...composed } as const);
  }

  async function readQueue(queue: Question["queue"], options: CallOptions) {
    const answer = await deps.call(
      { method: "GET", path: queuePresencePath(queue), route: QUEUE_PRESENCE_ROUTE, group: "light", action: ACTION },
      options,
    );
    if (!answer.ok) return answer;
    const parsed = parseDocument(answer.bodyText);
    if (!parsed.ok) return misread(answer, parsed.problem);
    const cut = truncation(parsed.document);
    return cut ? misread(answer, `Cannot ${ACTION}: ${cut}`) : { ...answer, document: parsed.document };
  }
}

function misread({ status, headers, exchange, sentAt }: ApiSuccess, message: string): ApiFailure {
  const rcRequestId = requestIdOf(headers);
  const failure = { reason: "UPSTREAM_BAD_RESPONSE", scope: "question", message, status, rcRequestId } as const;
  return { ok: false, failure, until: sentAt, exchange };
}
