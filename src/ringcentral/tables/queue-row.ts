import type { PresenceDetail } from "../../acceptance/agents.ts";
import { extensionText, withRecords } from "../../acceptance/canonical.ts";
import type { PresenceDocument } from "../../acceptance/document.ts";
import { EXTENSION_FIELDS } from "../../acceptance/fields.ts";
import type { JsonObject } from "../../acceptance/json.ts";
import { type MemberState, recordOf, sameRecord } from "./compose.ts";
import { ExtensionRow } from "./extension-row.ts";

/** A document as it was put together, and from what. */
export interface Made {
  readonly source: PresenceDocument;
  readonly members: readonly MemberState[];
  readonly document: PresenceDocument;
}

interface Heard {
  readonly value: boolean;
  readonly at: number;
}

/** By extension id: whether it is opted in, and when that was heard. */
type KeptHeard = readonly (readonly [extensionId: string, value: boolean, at: number])[];

/** What is kept of a queue over a restart. It is made to be JSON, which says null for what never was. */
export interface KeptQueue {
  /** The answer as it was received. */
  readonly raw: string;
  readonly readAt: number;
  readonly told: KeptHeard;
  readonly ownLists: KeptHeard;
  readonly contradictedAt: number | null;
}

const NOTHING_KNOWN = new ExtensionRow();

/** QueueRow is what is known of one queue: its answer as last read, and who opted in or out since. */
export class QueueRow {
  /** Undefined while only events told of it. */
  answer: { readonly document: PresenceDocument; readonly readAt: number } | undefined;
  /** Extension ids by record; undefined where the record does not say. */
  members: readonly (string | undefined)[] = [];
  /** What push told of opting in and out, by extension id; see ExtensionRow for how it stands against reads. */
  readonly #told = new Map<string, Heard>();
  /** What the agents' own lists of queues said. */
  readonly #ownLists = new Map<string, Heard>();
  /** An agent's own list contradicts who is in the queue. */
  #contradictedAt = Number.NEGATIVE_INFINITY;
  readonly #made = new Map<PresenceDetail, Made>();
  readonly #clean = new Set<PresenceDetail>();

  /** What a read, sent at `sentAt`, says; an older one changes nothing. */
  read(document: PresenceDocument, sentAt: number): void {
    if (sentAt < (this.answer?.readAt ?? 0)) return;
    // The same text is the same document, and what was made of it stays as it is.
    const before = this.answer?.document;
    const same = before !== undefined && before.raw !== "" && before.raw === document.raw;
    this.answer = { document: same ? before : document, readAt: sentAt };
    this.members = this.answer.document.records.map((record) => extensionText(record, "id"));
    for (const heard of [this.#told, this.#ownLists]) {
      for (const [id, { at }] of heard) if (at < sentAt) heard.delete(id);
    }
    this.changed();
  }

  /** An event that came at `now`, or an agent's own list that was asked for then, says whether an agent is opted in. */
  hear(by: "event" | "own list", extensionId: string, value: boolean, now: number): boolean {
    const heard = by === "event" ? this.#told : this.#ownLists;
    if ((heard.get(extensionId)?.at ?? 0) > now) return false;
    const before = this.#optIn(extensionId, undefined).value;
    heard.set(extensionId, { value, at: now });
    // Also what is the same: it is newer, where it was asked for.
    this.changed();
    return before !== this.#optIn(extensionId, undefined).value;
  }

  /** An agent's own list, asked for at `at`, does not hold this queue. */
  contradict(at: number): void {
    this.#contradictedAt = Math.max(this.#contradictedAt, at);
  }

  /** Nothing tells of members who are not in the answer, or of others who are not in the queue any more. */
  get whole(): boolean {
    if (!this.answer || this.#contradictedAt > this.answer.readAt) return false;
    if (this.#told.size === 0 && this.#ownLists.size === 0) return true;
    const { readAt } = this.answer;
    const known = new Set(this.members);
    const strange = (heard: ReadonlyMap<string, Heard>) =>
      heard.entries().some(([id, { at }]) => at >= readAt && !known.has(id));
    return !strange(this.#told) && !strange(this.#ownLists);
  }

  /** Something that the document is made of is different. */
  changed(): void {
    this.#clean.clear();
  }

  /** The newest document; the same object while nothing in it is different. */
  make(detail: PresenceDetail, rowOf: (extensionId: string) => ExtensionRow | undefined): Made | undefined {
    const { answer } = this;
    if (!answer) return undefined;
    const last = this.#made.get(detail);
    if (last && this.#clean.has(detail)) return last;
    const members = answer.document.records.map((source, index) =>
      this.#member(source, this.members[index], detail, rowOf),
    );
    const reuse = last?.source === answer.document ? last : undefined;
    let same = reuse !== undefined;
    const records = members.map((member, index) => {
      const before = reuse?.document.records[index];
      if (before !== undefined && sameRecord(reuse?.members[index], member)) return before;
      same = false;
      return recordOf(member);
    });
    const document = reuse && same ? reuse.document : withNewRecords(answer.document, records, reuse?.document);
    const made: Made = { source: answer.document, members, document };
    this.#made.set(detail, made);
    this.#clean.add(detail);
    return made;
  }

  /** Undefined before the first read: what was told before it is told by it. */
  dump(): KeptQueue | undefined {
    if (!this.answer) return undefined;
    const { document, readAt } = this.answer;
    const list = (heard: ReadonlyMap<string, Heard>) =>
      [...heard].map(([id, { value, at }]) => [id, value, at] as const);
    const told = list(this.#told);
    return { raw: document.raw, readAt, told, ownLists: list(this.#ownLists), contradictedAt: this.#contradictedAt };
  }

  /** Is from now on, with the answer that was read, as the row was that this is kept of. */
  restore({ told, ownLists, contradictedAt }: KeptQueue): void {
    for (const [id, value, at] of told) this.#told.set(id, { value, at });
    for (const [id, value, at] of ownLists) this.#ownLists.set(id, { value, at });
    this.#contradictedAt = contradictedAt ?? Number.NEGATIVE_INFINITY;
    this.changed();
  }

  #member(
    source: JsonObject,
    extensionId: string | undefined,
    detail: PresenceDetail,
    rowOf: (extensionId: string) => ExtensionRow | undefined,
  ): MemberState {
    const readAt = this.answer?.readAt ?? 0;
    const row = (extensionId === undefined ? undefined : rowOf(extensionId)) ?? NOTHING_KNOWN;
    const optIn = this.#optIn(extensionId, flag(source.acceptCurrentQueueCalls));
    const takes = row.takesQueueCalls(flag(source.acceptQueueCalls), readAt);
    // Some servers answer for the queue with fields of the extension; those are as old as the answer, and no event changes them.
    const own = EXTENSION_FIELDS.some((field) => source[field] !== undefined);
    return {
      source,
      extensionId,
      optIn: optIn.value,
      optInAt: optIn.at,
      takesQueueCalls: takes.value,
      takesQueueCallsAt: takes.at,
      takesQueueCallsSettled: takes.settled,
      presence: detail === "QUEUE" ? undefined : row.presence,
      presenceAt: detail === "QUEUE" || row.unknowable ? undefined : own ? Math.min(row.readAt, readAt) : row.readAt,
      presenceSettled: !own && row.readAt > 0 && row.settled,
    };
  }

  #optIn(extensionId: string | undefined, read: boolean | undefined): { value: boolean | undefined; at: number } {
    const readAt = this.answer?.readAt ?? 0;
    if (extensionId === undefined) return { value: read, at: readAt };
    const listed = this.#ownLists.get(extensionId);
    const base = listed && listed.at > readAt ? listed : { value: read, at: readAt };
    const told = this.#told.get(extensionId);
    return { value: told && told.at >= base.at ? told.value : base.value, at: base.at };
  }
}

function flag(value: JsonObject[string] | undefined): boolean | undefined {
  return typeof value === "boolean" ? value : undefined;
}

/** `before` is what it was last: most of its records are still the same, and printed. */
function withNewRecords(
  document: PresenceDocument,
  records: readonly JsonObject[],
  before: PresenceDocument | undefined,
): PresenceDocument {
  if (records.every((record, index) => record === document.records[index])) return document;
  return { raw: document.raw, json: withRecords(document, records), records, printed: before?.printed };
}
