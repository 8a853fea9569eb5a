import type { Coverage } from "../push/coverage.ts";
import type { PushFilter } from "../push/push-event.ts";
import { filterOfKey } from "../push/push-filters.ts";

/** How new a value is that was read at some time. */
export interface Kept {
  /** Unix milliseconds: the read, or as far as push kept it current before that ended. */
  readonly at: number;
  /** What keeps it current, and says so at any later time too; undefined when nothing does. */
  readonly coverage: Coverage | undefined;
}

/** One stretch without a gap, always as it is now; when another has begun, as it was when last looked at. */
class Stretch implements Coverage {
  readonly since: number;
  readonly #look: () => Coverage | undefined;
  #aliveAt: number;

  constructor(first: Coverage, look: () => Coverage | undefined) {
    this.since = first.since;
    this.#aliveAt = first.aliveAt;
    this.#look = look;
  }

  get aliveAt(): number {
    const coverage = this.#look();
    if (coverage?.since === this.since) this.#aliveAt = coverage.aliveAt;
    return this.#aliveAt;
  }

  get live(): boolean {
    const coverage = this.#look();
    return coverage?.since === this.since && coverage.live;
  }
}

/** A stretch that ended. */
interface End {
  readonly since: number;
  readonly aliveAt: number;
}

/** What is kept over a restart of how far push kept all these current. */
export interface KeptEnds {
  /** As in `queue 7`, `extension 5`, `account`. */
  readonly keys: readonly string[];
  /** The newest first. */
  readonly ends: readonly End[];
}

interface Remembered {
  newest: Stretch | undefined;
  /** Those before, newest first: they keep nothing any more, but what they kept is as new as their end. */
  ended: readonly End[];
}

/** A session that flaps leaves so many ends behind; values that are older than all of them are as old as their read. */
const ENDS_REMEMBERED = 8;

/** KeptCurrent says what push keeps current in one account, and how far it did before a session ended. */
export class KeptCurrent {
  readonly #accountId: string;
  readonly #coverageOf: (filter: PushFilter) => Coverage | undefined;
  readonly #remembered = new Map<string, Remembered>();

  constructor(accountId: string, coverageOf: (filter: PushFilter) => Coverage | undefined) {
    this.#accountId = accountId;
    this.#coverageOf = coverageOf;
  }

  /** The opt-in of a queue's members, read at `readAt`. */
  queue(queueId: string, readAt: number): Kept {
    const accountId = this.#accountId;
    return kept(this.#look(`queue ${queueId}`, { kind: "queue", accountId, queueId }), readAt);
  }

  /** An extension's presence and Do Not Disturb, read at `readAt`: by a filter of its own, or else by the account's. */
  extension(extensionId: string, readAt: number): Kept {
    const accountId = this.#accountId;
    const filter = { kind: "extension", accountId, extensionId } as const;
    const own = kept(this.#look(`extension ${extensionId}`, filter), readAt);
    if (own.coverage?.live) return own;
    const shared = this.account(readAt);
    if (shared.coverage?.live) return shared;
    if (own.coverage) return own;
    return shared.coverage || shared.at > own.at ? shared : own;
  }

  /** The same of all extensions, as far as the account's filter goes. */
  account(readAt: number): Kept {
    return kept(this.#look("account", { kind: "account", accountId: this.#accountId }), readAt);
  }

  forget(kind: "queue" | "extension", id: string): void {
    this.#remembered.delete(`${kind} ${id}`);
  }

  /** How far everything is kept current now: for a later life of the process, in which no session goes on. */
  dump(): KeptEnds[] {
    const groups = new Map<string, KeptEnds & { keys: string[] }>();
    for (const key of this.#remembered.keys()) {
      const { newest, ended } = this.#look(key, filterOfKey(key.replace(" ", ":"), this.#accountId))!;
      const stretches = [...(newest ? [newest] : []), ...ended.filter(({ since }) => since !== newest?.since)];
      const ends = stretches.slice(0, ENDS_REMEMBERED).map(({ since, aliveAt }) => ({ since, aliveAt }));
      const text = JSON.stringify(ends);
      const group = groups.get(text) ?? { keys: [], ends };
      groups.set(text, group);
      group.keys.push(key);
    }
    return [...groups.values()];
  }

  restore(kept: readonly KeptEnds[]): void {
    for (const { keys, ends } of kept) {
      for (const key of keys) this.#remembered.set(key, { newest: undefined, ended: ends });
    }
  }

  #look(key: string, filter: PushFilter): Remembered | undefined {
    const coverage = this.#coverageOf(filter);
    let entry = this.#remembered.get(key);
    if (!entry) {
      if (!coverage) return undefined;
      entry = { newest: undefined, ended: [] };
      this.#remembered.set(key, entry);
    }
    const { newest } = entry;
    if (newest && newest.since !== coverage?.since) {
      entry.ended = [newest, ...entry.ended].slice(0, ENDS_REMEMBERED);
      entry.newest = undefined;
    }
    if (coverage) entry.newest ??= new Stretch(coverage, () => this.#coverageOf(filter));
    return entry;
  }
}

function kept(entry: Remembered | undefined, readAt: number): Kept {
  const newest = entry?.newest;
  if (newest && readAt >= newest.since) return { at: Math.max(readAt, newest.aliveAt), coverage: newest };
  const end = entry?.ended.find(({ since }) => readAt >= since);
  return { at: end ? Math.max(readAt, end.aliveAt) : readAt, coverage: undefined };
}
