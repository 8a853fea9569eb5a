import type { Clock } from "../../lib/clock.ts";
import type { Store } from "../../stores/store.ts";
import { keepingFailed, keepingRecovered, keptTooLarge } from "../../telemetry/kept-events.ts";
import { AccountParts, type KeepableTables, type PartWrite } from "../tables/account-parts.ts";
import type { KeptAccount } from "./kept-account.ts";
import { recoveryKey } from "./kept-record.ts";

/** Least time between two rounds of writes, in milliseconds: what kill -9 loses at most. */
const SAVE_EVERY_MS = 5_000;

interface Deps {
  readonly store: Pick<Store, "put" | "delete">;
  readonly clock: Clock;
  readonly connection: string;
  /** What was kept of its accounts. */
  readonly kept: readonly KeptAccount[];
}

/**
 * PresenceSaver keeps what one connection knows of presence over a restart, and gives it back. What changed is written in
 * rounds, each as things are at one moment. A round that was cut short shows: then only the times of reads are believed,
 * and push begins anew. Trouble of the store is logged, and what was not written is tried again.
 */
export class PresenceSaver {
  readonly #deps: Deps;
  readonly #accounts = new Map<string, AccountParts>();
  /** The state of push is kept too. */
  #pushed = false;
  /** What would resume push may promise more than what is kept can say. */
  #unsafe: boolean;
  #cancel: (() => void) | undefined;
  #saving: Promise<boolean> = Promise.resolve(true);
  #closed = false;
  #inTrouble = false;
  /** Something is too large to be kept. */
  #limited = false;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#unsafe = deps.kept.some(({ whole }) => !whole);
    for (const kept of deps.kept) {
      this.#accounts.set(kept.accountId, new AccountParts(deps.connection, kept.accountId, kept));
    }
  }

  /** Restores what was kept of an account, and keeps its tables from now on: those that came before are not kept. */
  keep(accountId: string, tables: KeepableTables): void {
    if (this.#closed) for (const account of this.#accounts.values()) account.drop();
    this.#closed = false;
    const account = this.#accounts.get(accountId) ?? new AccountParts(this.#deps.connection, accountId);
    this.#accounts.set(accountId, account);
    account.keep(tables, () => this.#changed());
  }

  /** Nothing was kept that what would resume push could promise more than. */
  get safe(): boolean {
    return !this.#unsafe;
  }

  /**
   * Has everything written that is known now. Resolves with true when it is, so that what resumes push from here may be
   * kept too; it never rejects.
   */
  flush(): Promise<boolean> {
    this.#pushed = true;
    return this.#save();
  }

  /** Has everything written for the last time, until keep() is called again. */
  close(): Promise<boolean> {
    this.#closed = true;
    return this.#save();
  }

  #changed(): void {
    if (this.#closed) return;
    this.#cancel ??= this.#deps.clock.after(SAVE_EVERY_MS, () => void this.#save());
  }

  #save(): Promise<boolean> {
    this.#saving = this.#saving.then(() => this.#round());
    return this.#saving;
  }

  async #round(): Promise<boolean> {
    this.#cancel?.();
    this.#cancel = undefined;
    const { connection, store } = this.#deps;
    const rounds = [...this.#accounts.values()].map((account) => ({ account, writes: account.take(this.#pushed) }));
    const limited = this.#isLimited();
    try {
      if (this.#unsafe || limited) await store.delete(recoveryKey(connection));
      for (const { account, writes } of rounds) {
        for (let [write] = writes; write; [write] = writes) {
          await this.#write(write);
          account.written(write);
          writes.shift();
        }
      }
    } catch (error) {
      for (const { account, writes } of rounds) account.notWritten(writes);
      if (!this.#inTrouble) keepingFailed({ connection, action: "save", message: (error as Error).message });
      this.#inTrouble = true;
      this.#changed();
      return false;
    }
    this.#unsafe = false;
    if (this.#inTrouble) keepingRecovered({ connection });
    this.#inTrouble = false;
    return !limited;
  }

  async #write({ key, value }: PartWrite): Promise<void> {
    if (value) await this.#deps.store.put(key, value);
    else await this.#deps.store.delete(key);
  }

  #isLimited(): boolean {
    const tooLarge = this.#accounts.values().find((account) => account.tooLarge)?.tooLarge;
    if (tooLarge && !this.#limited) keptTooLarge({ connection: this.#deps.connection, ...tooLarge });
    this.#limited = tooLarge !== undefined;
    return this.#limited;
  }
}
