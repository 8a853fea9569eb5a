import type { PresenceDetail } from "../../acceptance/agents.ts";
import { type PresenceDocument, parseDocument } from "../../acceptance/document.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Coverage } from "../push/coverage.ts";
import type { ExtensionPresence, PushFilter } from "../push/push-event.ts";
import { type Composed, observe } from "./compose.ts";
import { ExtensionRow, type KeptExtension, type Unknowable } from "./extension-row.ts";
import { KeptCurrent, type KeptEnds } from "./kept.ts";
import { type KeptQueue, QueueRow } from "./queue-row.ts";

/** What a read says of one extension. */
export interface ExtensionRead {
  readonly extensionId: string;
  /** Its presence, or why nothing can be known of it. */
  readonly presence: ExtensionPresence | Unknowable;
}

/** What is kept of tables over a restart, by id. */
export interface KeptTables {
  readonly queues: ReadonlyMap<string, KeptQueue>;
  readonly extensions: ReadonlyMap<string, KeptExtension>;
  readonly ends: readonly KeptEnds[];
}

/** Told of a row that may be another than it was kept, or be gone. */
export type RowListener = (kind: "queue" | "extension", id: string) => void;

/**
 * Tables is all that one connection knows of the presence in one account: queues with their members, and extensions, each
 * once however many queues they are in. Reads and events go in, documents come out. Ids are text; times are those at
 * which a read was sent, Unix milliseconds. What changes anything answers with the queues it may change; where it does not,
 * their document stays the same object. Who holds what was put together has to put it together again then.
 */
export class Tables {
  readonly #clock: Pick<Clock, "now">;
  readonly #keeping: KeptCurrent;
  readonly #queues = new Map<string, QueueRow>();
  readonly #extensions = new Map<string, ExtensionRow>();
  /** The queues that an extension is in, by its id. */
  readonly #queuesOf = new Map<string, Set<string>>();
  #changed: RowListener = () => {};

  constructor(deps: {
    clock: Pick<Clock, "now">;
    accountId: string;
    coverageOf: (filter: PushFilter) => Coverage | undefined;
  }) {
    this.#clock = deps.clock;
    this.#keeping = new KeptCurrent(deps.accountId, deps.coverageOf);
  }

  /** A queue's answer. */
  queueRead(queueId: string, document: PresenceDocument, sentAt: number): void {
    const queue = this.#queue(queueId);
    const before = new Set(queue.members);
    queue.read(document, sentAt);
    const now = new Set(queue.members);
    for (const id of before.difference(now)) if (id !== undefined) this.#leave(id, queueId);
    for (const id of now.difference(before)) {
      if (id === undefined) continue;
      const queues = this.#queuesOf.get(id) ?? new Set();
      this.#queuesOf.set(id, queues.add(queueId));
      // What is known of who is in no queue is not kept.
      this.#changed("extension", id);
    }
    this.#changed("queue", queueId);
  }

  /** Extensions' presence, all of one answer; what was the same before is newer now. */
  extensionsRead(rows: readonly ExtensionRead[], sentAt: number): readonly string[] {
    const changed = new Set<string>();
    for (const { extensionId, presence } of rows) {
      const row = this.#extension(extensionId);
      if (sentAt < row.readAt) continue;
      row.read(presence, sentAt);
      this.#changed("extension", extensionId);
      this.#touch(extensionId);
      for (const id of this.queuesOf(extensionId)) changed.add(id);
    }
    return [...changed];
  }

  /** An agent's own list of queues: whether he takes calls of each. */
  agentQueuesRead(extensionId: string, accepts: ReadonlyMap<string, boolean>, sentAt: number): readonly string[] {
    const changed: string[] = [];
    for (const [queueId, value] of accepts) {
      // Queues that nobody asks about are not worth a row.
      const queue = this.#queues.get(queueId);
      if (queue?.hear("own list", extensionId, value, sentAt)) changed.push(queueId);
      if (queue) this.#changed("queue", queueId);
    }
    for (const queueId of this.queuesOf(extensionId)) {
      if (accepts.has(queueId)) continue;
      this.#queues.get(queueId)?.contradict(sentAt);
      this.#changed("queue", queueId);
      changed.push(queueId);
    }
    return changed;
  }

  /** Push tells who opted in to a queue or out of it. */
  optIn(
    queueId: string,
    members: readonly { readonly extensionId: string; readonly acceptCurrentQueueCalls: boolean }[],
  ): readonly string[] {
    const now = this.#clock.now();
    // Also of a queue whose first read is under way.
    const queue = this.#queue(queueId);
    const changes = members.filter(({ extensionId, acceptCurrentQueueCalls }) =>
      queue.hear("event", extensionId, acceptCurrentQueueCalls, now),
    );
    this.#changed("queue", queueId);
    return changes.length > 0 && queue.answer ? [queueId] : [];
  }

  /** Push tells of an extension what is given, and nothing of the rest. */
  extensionChanged(extensionId: string, presence: ExtensionPresence): readonly string[] {
    const isNews = this.#extension(extensionId).tell(presence, this.#clock.now());
    this.#changed("extension", extensionId);
    if (!isNews) return [];
    this.#touch(extensionId);
    return this.queuesOf(extensionId);
  }

  /** Nobody asks about a queue any more. */
  forget(queueId: string): void {
    for (const id of this.#queues.get(queueId)?.members ?? []) if (id !== undefined) this.#leave(id, queueId);
    this.#queues.delete(queueId);
    this.#keeping.forget("queue", queueId);
    this.#changed("queue", queueId);
  }

  /** The extension ids of a queue's members. */
  membersOf(queueId: string): readonly string[] {
    return (this.#queues.get(queueId)?.members ?? []).filter((id) => id !== undefined);
  }

  /** The queues that an extension was read to be in. */
  queuesOf(extensionId: string): readonly string[] {
    return [...(this.#queuesOf.get(extensionId) ?? [])];
  }

  /** Events or agents' own lists contradict who is in the queue: it has to be read again. */
  outdated(queueId: string): boolean {
    const queue = this.#queues.get(queueId);
    return queue?.answer !== undefined && !queue.whole;
  }

  /** How many extensions there is a row of. */
  get extensionCount(): number {
    return this.#extensions.size;
  }

  /** Those of these extensions whose presence is not as new as `notBefore` by a read or by push, and can be asked for. */
  staleExtensions(extensionIds: Iterable<string>, notBefore: number): readonly string[] {
    const now = this.#clock.now();
    return [...new Set(extensionIds)].filter((id) => {
      const row = this.#extensions.get(id);
      if (!row || row.readAt === 0) return true;
      if (row.unknowable) return row.unknowable.until <= now;
      const at = row.settled ? this.#keeping.extension(id, row.readAt).at : row.readAt;
      return at < notBefore;
    });
  }

  /** A queue's presence as it is known now; undefined before its first read. */
  compose(queueId: string, detail: PresenceDetail): Composed | undefined {
    const queue = this.#queues.get(queueId);
    const made = queue?.make(detail, (id) => this.#extensions.get(id));
    if (!queue?.answer || !made) return undefined;
    const subject = { id: queueId, answerAt: queue.answer.readAt, whole: queue.whole, detail };
    return { document: made.document, observed: observe(subject, made.members, this.#keeping) };
  }

  /** From now on this listener, and no other, is told of rows. */
  listen(listener: RowListener): void {
    this.#changed = listener;
  }

  /** The extensions that are in some queue. */
  get members(): Iterable<string> {
    return this.#queuesOf.keys();
  }

  /** What is to be kept of a queue; undefined when nothing is. */
  dumpQueue(queueId: string): KeptQueue | undefined {
    return this.#queues.get(queueId)?.dump();
  }

  /** What is to be kept of an extension; undefined when nothing is, or it is in no queue. */
  dumpExtension(extensionId: string): KeptExtension | undefined {
    return this.#queuesOf.has(extensionId) ? this.#extensions.get(extensionId)?.dump() : undefined;
  }

  /** How far push keeps everything current now. */
  dumpEnds(): readonly KeptEnds[] {
    return this.#keeping.dump();
  }

  /** Says what those said that it is kept of, with the same ages. For tables of which nothing is known yet. */
  restore({ queues, extensions, ends }: KeptTables): void {
    this.#keeping.restore(ends);
    for (const [queueId, kept] of queues) {
      const parsed = parseDocument(kept.raw);
      if (!parsed.ok) continue;
      this.queueRead(queueId, parsed.document, kept.readAt);
      this.#queue(queueId).restore(kept);
    }
    for (const [id, kept] of extensions) if (this.#queuesOf.has(id)) this.#extension(id).restore(kept);
  }

  #queue(queueId: string): QueueRow {
    const queue = this.#queues.get(queueId) ?? new QueueRow();
    this.#queues.set(queueId, queue);
    return queue;
  }

  #extension(extensionId: string): ExtensionRow {
    const row = this.#extensions.get(extensionId) ?? new ExtensionRow();
    this.#extensions.set(extensionId, row);
    return row;
  }

  #touch(extensionId: string): void {
    for (const queueId of this.#queuesOf.get(extensionId) ?? []) this.#queues.get(queueId)?.changed();
  }

  #leave(extensionId: string, queueId: string): void {
    const queues = this.#queuesOf.get(extensionId);
    queues?.delete(queueId);
    if (queues?.size !== 0) return;
    this.#queuesOf.delete(extensionId);
    this.#extensions.delete(extensionId);
    this.#keeping.forget("extension", extensionId);
    this.#changed("extension", extensionId);
  }
}
