import type { PresenceDetail } from "../../acceptance/agents.ts";
import type { Dated } from "../../acceptance/dated.ts";
import type { PresenceDocument } from "../../acceptance/document.ts";
import { EXTENSION_FIELDS } from "../../acceptance/fields.ts";
import type { JsonObject, JsonValue } from "../../acceptance/json.ts";
import type { Coverage } from "../push/coverage.ts";
import type { ExtensionPresence } from "../push/push-event.ts";
import type { Kept, KeptCurrent } from "./kept.ts";

/** How new one part of a document is. */
export interface Observed {
  /** Unix milliseconds: when the oldest read behind it was sent; 0 = something of it was never read. */
  readonly at: number;
  /** The coverages that together keep it current, each always as it is now; empty = it is not kept current. */
  readonly coverages: readonly Coverage[];
}

/** A queue's presence put together from the tables. Never changed: a change is a new one. */
export interface Composed {
  readonly document: PresenceDocument;
  readonly observed: Readonly<Record<Dated, Observed>>;
}

/** How new the oldest of these parts is (Unix milliseconds), and whether push keeps all of them current now. */
export function observedAt(
  observed: Readonly<Record<Dated, Observed>>,
  dependsOn: readonly Dated[],
): { readonly at: number; readonly pushed: boolean } {
  let oldest = Number.POSITIVE_INFINITY;
  let pushed = true;
  for (const part of dependsOn) {
    const { at, coverages } = observed[part];
    let aliveAt = coverages.length === 0 ? at : Number.POSITIVE_INFINITY;
    if (coverages.length === 0) pushed = false;
    for (const coverage of coverages) {
      aliveAt = Math.min(aliveAt, coverage.aliveAt);
      pushed &&= coverage.live;
    }
    oldest = Math.min(oldest, Math.max(at, aliveAt));
  }
  return { at: oldest, pushed };
}

/** One member as it is put together; times in Unix milliseconds of the reads behind it. */
export interface MemberState {
  readonly source: JsonObject;
  /** Undefined when the record does not name its extension: then no event can change it. */
  readonly extensionId: string | undefined;
  readonly optIn: boolean | undefined;
  readonly optInAt: number;
  readonly takesQueueCalls: boolean | undefined;
  readonly takesQueueCallsAt: number;
  readonly takesQueueCallsSettled: boolean;
  /** Joined detail alone. */
  readonly presence: ExtensionPresence | undefined;
  /** Undefined when nothing can be known of the extension, or nothing is joined. */
  readonly presenceAt: number | undefined;
  readonly presenceSettled: boolean;
}

/** Whether two states of a member make the same record. */
export function sameRecord(one: MemberState | undefined, other: MemberState): boolean {
  return (
    one !== undefined &&
    one.source === other.source &&
    one.optIn === other.optIn &&
    one.takesQueueCalls === other.takesQueueCalls &&
    one.presence === other.presence
  );
}

/** The record of a member: the queue's answer with what is newer, and behind it what the extension adds. */
export function recordOf({ source, optIn, takesQueueCalls, presence }: MemberState): JsonObject {
  const changes: Record<string, JsonValue> = {};
  if (optIn !== undefined && optIn !== source.acceptCurrentQueueCalls) changes.acceptCurrentQueueCalls = optIn;
  if (takesQueueCalls !== undefined && takesQueueCalls !== source.acceptQueueCalls) {
    changes.acceptQueueCalls = takesQueueCalls;
  }
  for (const field of EXTENSION_FIELDS) {
    const value = presence?.[field];
    if (value !== undefined && source[field] === undefined) changes[field] = value;
  }
  const unknown = takesQueueCalls === undefined && typeof source.acceptQueueCalls === "boolean";
  if (!unknown) return Object.keys(changes).length === 0 ? source : { ...source, ...changes };
  const { acceptQueueCalls: _, ...rest } = source;
  return { ...rest, ...changes };
}

/** How new the parts of a queue's document are. `answerAt`: when its answer was read; `whole`: no member is missing. */
export function observe(
  queue: { readonly id: string; readonly answerAt: number; readonly whole: boolean; readonly detail: PresenceDetail },
  members: readonly MemberState[],
  keeping: KeptCurrent,
): Record<Dated, Observed> {
  const { id, answerAt, whole, detail } = queue;
  const answer: Observed = { at: answerAt, coverages: [] };
  const optIn = together(
    members.length === 0 ? [answerAt] : members.map(({ optInAt }) => optInAt),
    members.length === 0 ? [whole] : members.map(({ extensionId }) => whole && extensionId !== undefined),
    (at) => keeping.queue(id, at),
    (_, at) => keeping.queue(id, at),
  );
  const ofExtensions = (
    parts: readonly MemberState[],
    at: (member: MemberState) => number,
    settled: (member: MemberState) => boolean,
  ) =>
    // What is said of nobody is as current as who is in the queue.
    parts.length === 0
      ? optIn
      : together(
          parts.map(at),
          parts.map((member) => member.extensionId !== undefined && settled(member)),
          (readAt) => keeping.account(readAt),
          (index, readAt) => keeping.extension(parts[index]!.extensionId!, readAt),
        );
  const joined = members.filter(({ presenceAt }) => presenceAt !== undefined);
  return {
    answer,
    optIn,
    doNotDisturb: ofExtensions(
      members,
      (member) => member.takesQueueCallsAt,
      (member) => member.takesQueueCallsSettled,
    ),
    extension:
      detail === "QUEUE"
        ? answer
        : ofExtensions(
            joined,
            (member) => member.presenceAt!,
            (member) => member.presenceSettled,
          ),
  };
}

/** What is as new as the oldest of several, and current when every one is kept so; `all` is a way to ask of all at once. */
function together(
  readAts: readonly number[],
  keepable: readonly boolean[],
  all: (readAt: number) => Kept,
  one: (index: number, readAt: number) => Kept,
): Observed {
  const oldest = readAts.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY);
  const everyOne = keepable.every((can) => can);
  const shared = everyOne ? all(oldest).coverage : undefined;
  if (shared?.live) return { at: oldest, coverages: [shared] };
  const coverages = new Set<Coverage>();
  let current = everyOne;
  let asNewAs = Number.POSITIVE_INFINITY;
  for (const [index, readAt] of readAts.entries()) {
    const kept = keepable[index] ? one(index, readAt) : { at: readAt, coverage: undefined };
    if (kept.coverage) coverages.add(kept.coverage);
    else current = false;
    asNewAs = Math.min(asNewAs, kept.at);
  }
  return current ? { at: oldest, coverages: [...coverages] } : { at: asNewAs, coverages: [] };
}
