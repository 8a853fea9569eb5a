import { EXTENSION_FIELDS, type ExtensionField } from "../../acceptance/fields.ts";
import type { ExtensionPresence } from "../push/push-event.ts";

const DND_FIELDS = ["dndStatus", "dndStatusPersonal", "acceptCallQueueCalls"] as const;

/** Why nothing can be known of an extension, and until when it is not asked for again (Unix milliseconds). */
export interface Unknowable {
  readonly reason: string;
  readonly until: number;
}

/** What is kept of an extension over a restart. It is made to be JSON, which says null for what never was. */
export interface KeptExtension {
  readonly readAt: number;
  readonly read: ExtensionPresence;
  readonly unknowable?: Unknowable | undefined;
  /** By field: what was told, and when. */
  readonly told: readonly (readonly [ExtensionField, string | boolean, number])[];
  readonly doubtedAt: number | null;
}

/** Whether an extension takes queue calls, and when that was read. */
export interface TakesQueueCalls {
  readonly value: boolean | undefined;
  /** Unix milliseconds at which the read behind it was sent. */
  readonly at: number;
  /** Events since then told enough to know the value; else only a read can. */
  readonly settled: boolean;
}

/**
 * ExtensionRow is what is known of one extension: its presence as last read, and over that what events told. An event
 * that came while a read was under way is applied again over its answer, which may have been made before or after it: if
 * after, later events are on their way, so nothing is lost.
 */
export class ExtensionRow {
  /** Unix milliseconds at which the last read was sent; 0 = never read. */
  readAt = 0;
  /** The last read said that nothing can be known. */
  unknowable: Unknowable | undefined;
  #read: ExtensionPresence = {};
  readonly #told = new Map<ExtensionField, { value: string | boolean; at: number }>();
  /**
   * When an event told that the status was toggled to Available, which silently resets DoNotAcceptDepartmentCalls, and
   * not whether it did.
   */
  #doubtedAt = Number.NEGATIVE_INFINITY;
  /** What is shown, and its text; equal presence stays the same object. */
  #presence: ExtensionPresence = {};
  #text = "{}";

  /** What a read, sent at `sentAt`, says; an older one changes nothing. */
  read(presence: ExtensionPresence | Unknowable, sentAt: number): void {
    if (sentAt < this.readAt) return;
    this.readAt = sentAt;
    this.unknowable = "reason" in presence ? presence : undefined;
    this.#read = "reason" in presence ? {} : presence;
    for (const [field, { at }] of this.#told) if (at < sentAt) this.#told.delete(field);
    this.#show();
  }

  /** What an event says that came at `now`; answers whether anything may be different now, here or in a queue's record. */
  tell(presence: ExtensionPresence, now: number): boolean {
    const before = this.#signature();
    const silent = DND_FIELDS.every((field) => presence[field] === undefined);
    const turned = presence.userStatus === "Available" && this.#merged().userStatus !== "Available";
    if (!silent) this.#doubtedAt = Number.NEGATIVE_INFINITY;
    else if (turned) this.#doubtedAt = now;
    for (const field of EXTENSION_FIELDS) {
      const value = presence[field];
      if (value !== undefined) this.#told.set(field, { value, at: now });
    }
    const after = this.#signature();
    if (after !== before) this.#show();
    // A queue may have been read since with another Do Not Disturb, so that what is no news here is news there.
    return after !== before || !silent;
  }

  /** Whether all that is shown is what a read said, kept up by events. */
  get settled(): boolean {
    return !this.#hidesDoNotDisturb();
  }

  /** What is known; the same object while that is the same, undefined when it is nothing. */
  get presence(): ExtensionPresence | undefined {
    if (this.unknowable) return undefined;
    return this.#text === "{}" ? undefined : this.#presence;
  }

  /**
   * Whether the agent takes queue calls, where a queue's answer (read at `readAt`) says `value`: the newer of the two
   * reads, and over it the events since. RingCentral's acceptQueueCalls mirrors Do Not Disturb.
   */
  takesQueueCalls(value: boolean | undefined, readAt: number): TakesQueueCalls {
    const own = this.readAt > readAt ? judge(this.#read) : undefined;
    const at = own === undefined ? readAt : this.readAt;
    const base = own ?? value;
    const told = this.#toldSince(at);
    const now = own === undefined ? judgeAlone(told, base) : judge({ ...this.#read, ...told });
    if (now === false && this.#doubtedAt >= at) return { value: undefined, at, settled: false };
    // Nobody is told of an extension that may not be seen, so no event keeps what a queue's answer said of it.
    return { value: now, at, settled: !this.unknowable && (now !== undefined || base === undefined) };
  }

  dump(): KeptExtension {
    const told = [...this.#told].map(([field, { value, at }]) => [field, value, at] as const);
    return { readAt: this.readAt, read: this.#read, unknowable: this.unknowable, told, doubtedAt: this.#doubtedAt };
  }

  /** Is from now on as the row was that this is kept of. */
  restore({ readAt, read, unknowable, told, doubtedAt }: KeptExtension): void {
    this.readAt = readAt;
    this.unknowable = unknowable;
    this.#read = read;
    for (const [field, value, at] of told) this.#told.set(field, { value, at });
    this.#doubtedAt = doubtedAt ?? Number.NEGATIVE_INFINITY;
    this.#show();
  }

  #toldSince(at: number): ExtensionPresence {
    const since: Partial<Record<ExtensionField, string | boolean>> = {};
    for (const [field, told] of this.#told) if (told.at >= at) since[field] = told.value;
    return since as ExtensionPresence;
  }

  #merged(): ExtensionPresence {
    return { ...this.#read, ...this.#toldSince(this.readAt) };
  }

  #hidesDoNotDisturb(): boolean {
    return this.#doubtedAt >= this.readAt && judge(this.#merged()) === false;
  }

  #show(): void {
    const { dndStatus, dndStatusPersonal, acceptCallQueueCalls, ...rest } = this.#merged();
    const shown = this.#hidesDoNotDisturb() ? rest : { ...rest, dndStatus, dndStatusPersonal, acceptCallQueueCalls };
    const text = JSON.stringify(shown);
    if (text === this.#text) return;
    this.#presence = shown as ExtensionPresence;
    this.#text = text;
  }

  #signature(): string {
    return JSON.stringify([this.unknowable?.reason, this.#merged(), this.#doubtedAt >= this.readAt]);
  }
}

/** Whether a whole presence says that queue calls are taken; undefined when it does not say. */
function judge({ dndStatus, dndStatusPersonal, acceptCallQueueCalls }: ExtensionPresence): boolean | undefined {
  if (
    acceptCallQueueCalls === false ||
    dndStatus === "DoNotAcceptAnyCalls" ||
    dndStatus === "DoNotAcceptDepartmentCalls" ||
    dndStatusPersonal === "DoNotAcceptAnyCalls"
  ) {
    return false;
  }
  return isKnown(dndStatus) || isKnown(dndStatusPersonal) || acceptCallQueueCalls === true ? true : undefined;
}

/** The same of events alone: a part of it may be good news while another, not told, is why `before` was false. */
function judgeAlone(told: ExtensionPresence, before: boolean | undefined): boolean | undefined {
  const said = judge(told);
  if (said !== true) return said ?? before;
  const whole = isKnown(told.dndStatus) || (isKnown(told.dndStatusPersonal) && told.acceptCallQueueCalls === true);
  return whole || before === true ? true : undefined;
}

function isKnown(status: string | undefined): boolean {
  return status !== undefined && status !== "Unknown";
}
