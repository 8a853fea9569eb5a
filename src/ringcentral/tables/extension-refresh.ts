import type { Clock } from "../../lib/clock.ts";
import type { BudgetState } from "../calls/budget.ts";
import type { ApiFailure, CallApi, CallOptions } from "../calls/call.ts";
import { furtherCall } from "../calls/further-call.ts";
import { readAccountPresence } from "./account-presence.ts";
import { BulkCost } from "./bulk-cost.ts";
import { READ_EXTENSIONS, readExtensions, UNKNOWABLE_MS } from "./extension-presence.ts";
import { type GroupState, type JoinStep, mostAtOnce, planJoin } from "./join-plan.ts";
import { type Refreshed, SharedCall, untilTimeUp } from "./shared-call.ts";
import type { ExtensionRead, Tables } from "./tables.ts";

export type { Refreshed } from "./shared-call.ts";

export interface RefreshDeps {
  readonly call: CallApi;
  readonly clock: Pick<Clock, "now">;
  readonly accountId: string;
  readonly tables: Pick<Tables, "staleExtensions" | "extensionsRead">;
  /** What is known of a usage group's limit; RingCentral's default is assumed where nothing is. */
  readonly budget?: ((group: "light" | "heavy") => BudgetState) | undefined;
  /** What is known of bulk calls, where others make some as well. */
  readonly bulkCost?: BulkCost | undefined;
  /** Rows were read: what is known of these queues may be different, and is newer. */
  readonly onNews?: ((queueIds: readonly string[]) => void) | undefined;
}

/** Those who ask at the same moment, planned together. */
interface Gathering {
  readonly extensionIds: Set<string>;
  readonly askers: CallOptions[];
  readonly calls: Promise<readonly SharedCall[]>;
}

const DEFAULT_PER_MINUTE = { light: 50, heavy: 10 };
/** So many extensions tell what a call for several counts as, whatever that is. */
const PROBE = 5;
/** For so long account presence is not tried again after RingCentral denied it. */
const DENIED_MS = 60 * 60_000;

/**
 * ExtensionRefresh reads the presence of extensions into the tables, as far as it is not new enough: each once however
 * many ask for it, by whichever calls cost the least.
 */
export class ExtensionRefresh {
  readonly #deps: RefreshDeps;
  readonly #bulkCost: BulkCost;
  /** The call that finds out what one for several counts as. */
  #probing: Promise<unknown> | undefined;
  readonly #underWay = new Set<SharedCall>();
  #gathering: Gathering | undefined;
  /** Extensions of the account, as it last said. */
  #total: number | undefined;
  #deniedUntil = Number.NEGATIVE_INFINITY;
  /** The presence of some extension was shown. */
  #sees = false;
  /** What was left of the light limit by the last answer, and by our own count then. */
  #left: { readonly said: number; readonly counted: number } | undefined;

  constructor(deps: RefreshDeps) {
    this.#deps = deps;
    this.#bulkCost = deps.bulkCost ?? new BulkCost();
  }

  /**
   * Sees to it that what is known of these extensions is as new as `notBefore` (Unix milliseconds). On a failure what
   * could be read stays. It never rejects.
   */
  async refresh(extensionIds: Iterable<string>, notBefore: number, options: CallOptions): Promise<Refreshed> {
    const stale = this.#deps.tables.staleExtensions(extensionIds, notBefore);
    if (stale.length === 0) return { ok: true };
    const calls = new Set<SharedCall>();
    const missing = stale.filter((id) => {
      const call = this.#underWay.values().find((call) => call.suits(id, notBefore));
      if (!call) return true;
      call.join(options, [id]);
      calls.add(call);
      return false;
    });
    const gathered = missing.length > 0 ? this.#gather(missing, options) : undefined;
    const wanted = new Set(missing);
    const all = async (): Promise<Refreshed> => {
      for (const call of (await gathered?.calls) ?? []) if (call.tellsOf(wanted)) calls.add(call);
      const outcomes = await Promise.all([...calls].map(({ outcome }) => outcome));
      return outcomes.find((outcome) => !outcome.ok) ?? { ok: true };
    };
    return untilTimeUp(all(), options.timeUp, { clock: this.#deps.clock, action: READ_EXTENSIONS });
  }

  #gather(extensionIds: readonly string[], options: CallOptions): Gathering {
    this.#gathering ??= {
      extensionIds: new Set(),
      askers: [],
      // Everybody who asks before the first of them goes on is among them.
      calls: Promise.resolve().then(() => this.#start()),
    };
    for (const id of extensionIds) this.#gathering.extensionIds.add(id);
    this.#gathering.askers.push(options);
    return this.#gathering;
  }

  #start(): readonly SharedCall[] {
    const { extensionIds, askers } = this.#gathering!;
    this.#gathering = undefined;
    const steps = planJoin({
      stale: [...extensionIds],
      total: this.#total,
      light: this.#group("light"),
      heavy: this.#deniedUntil > this.#deps.clock.now() ? undefined : this.#group("heavy"),
      bulkCost: (extensions) => this.#bulkCost.of(extensions),
    });
    return steps.map((step) => {
      const call = new SharedCall(step.kind === "account" ? undefined : step.extensionIds, extensionIds, askers);
      this.#underWay.add(call);
      call.outcome = this.#carryOut(step, call).finally(() => this.#underWay.delete(call));
      return call;
    });
  }

  #carryOut(step: JoinStep, call: SharedCall): Promise<Refreshed> {
    return step.kind === "account" ? this.#readAccount(call) : this.#readSome(step.extensionIds, call.options);
  }

  /** Until it is known what a call for several counts as, small ones find out, one after the other. */
  async #readSome(extensionIds: readonly string[], options: CallOptions): Promise<Refreshed> {
    let failed: ApiFailure | undefined;
    let own = options;
    for (let start = 0; start < extensionIds.length; ) {
      while (this.#probing && this.#probes) await this.#probing;
      const probes = this.#probes && start < extensionIds.length - 1;
      const ids = extensionIds.slice(start, start + (probes ? PROBE : this.#mostAtOnce));
      const read = this.#readOnce(ids, own);
      if (probes) {
        this.#probing = read.finally(() => {
          this.#probing = undefined;
        });
      }
      const outcome = await read;
      if (!outcome.ok) failed ??= outcome;
      start += ids.length;
      own = furtherCall(own);
    }
    return failed ?? { ok: true };
  }

  async #readOnce(extensionIds: readonly string[], options: CallOptions): Promise<Refreshed> {
    const { accountId } = this.#deps;
    const units = this.#countable ? this.#bulkCost.atMost(extensionIds.length) : 1;
    const read = await readExtensions(this.#deps, { accountId, extensionIds, units, sees: this.#sees }, options);
    if (!read.ok) return read;
    this.#learnCost(extensionIds.length, units, read.left);
    this.#take(read.rows, read.sentAt);
    return read.unread ?? { ok: true };
  }

  async #readAccount(call: SharedCall): Promise<Refreshed> {
    const { clock, accountId } = this.#deps;
    const { options } = call;
    const onPage = (rows: readonly ExtensionRead[], sentAt: number) => this.#take(rows, sentAt);
    const read = await readAccountPresence(this.#deps.call, { accountId, onPage }, options);
    if (read.ok) {
      this.#total = read.items.length;
      const listed = new Set(read.items.map(({ extensionId }) => extensionId));
      const presence = { reason: "RingCentral lists no such extension", until: clock.now() + UNKNOWABLE_MS };
      const gone = [...call.wanted.difference(listed)].map((extensionId) => ({ extensionId, presence }));
      this.#take(gone, read.sentAt);
      return { ok: true };
    }
    if (read.failure.reason !== "UPSTREAM_PERMISSION_DENIED") return read;
    // Single extensions may be seen with less: those who wait for this get theirs so.
    this.#deniedUntil = clock.now() + DENIED_MS;
    call.extensionIds = new Set(call.wanted);
    return this.#readSome([...call.wanted], furtherCall(options));
  }

  #take(rows: readonly ExtensionRead[], sentAt: number): void {
    if (rows.length === 0) return;
    this.#sees ||= rows.some(({ presence }) => !("reason" in presence));
    const queueIds = this.#deps.tables.extensionsRead(rows, sentAt);
    if (queueIds.length > 0) this.#deps.onNews?.(queueIds);
  }

  #group(group: "light" | "heavy"): GroupState {
    const state = this.#deps.budget?.(group);
    return { perMinute: state?.limit ?? DEFAULT_PER_MINUTE[group], left: state?.left };
  }

  /** RingCentral says what is left of the limit. Where it does not, nothing is to be learned, nor to be kept. */
  get #countable(): boolean {
    return this.#deps.budget?.("light").limit !== undefined;
  }

  get #probes(): boolean {
    return this.#countable && !this.#bulkCost.known;
  }

  get #mostAtOnce(): number {
    return mostAtOnce({ light: this.#group("light"), bulkCost: (extensions) => this.#bulkCost.of(extensions) });
  }

  #learnCost(extensions: number, units: number, said: number | undefined): void {
    const counted = this.#deps.budget?.("light").left;
    // What is used up may be so by others, and by more than can be seen.
    if (said === undefined || said === 0 || counted === undefined) return;
    // Our own calls since the last answer, this one aside.
    const others = Math.max(0, (this.#left?.counted ?? counted) - counted - units);
    if (this.#left) this.#bulkCost.observe(extensions, { before: this.#left.said, after: said, others });
    this.#left = { said, counted };
  }
}
