import { parseDocument } from "../acceptance/document.ts";
import { QUEUE_PRESENCE_ROUTE, queuePresencePath } from "../templates/ringcentral.ts";
import { requestIdOf } from "../upstream/attempt-span.ts";
import type { ApiFailure, ApiSuccess, CallApi, CallOptions, Exchange } from "./call.ts";
import type { Composed } from "./compose.ts";
import type { ExtensionRefresh } from "./extension-refresh.ts";
import type { Question } from "./question.ts";
import type { Tables } from "./tables.ts";
import { truncation } from "./truncation.ts";

export interface ReadOptions extends CallOptions {
  /** How new the parts have to be that are put together with the queue's answer, Unix milliseconds; asked for once. */
  readonly notBefore: () => number;
}

/** What a read came to. */
export type ReadResult = (Composed & { readonly ok: true; readonly exchange: Exchange }) | ApiFailure;

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
