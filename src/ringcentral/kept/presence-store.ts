import type { Clock } from "../../lib/clock.ts";
import type { Entry, Store } from "../../stores/store.ts";
import { keepingFailed, keptNotWhole } from "../../telemetry/kept-events.ts";
import { type KeptAccount, readAccount, type StoredPart } from "./kept-account.ts";
import { PRESENCE, parsePartKey } from "./kept-record.ts";
import { PresenceSaver } from "./presence-saver.ts";

interface Deps {
  readonly store: Pick<Store, "list" | "put" | "delete">;
  readonly clock: Clock;
}

/** KeptPresence is what every connection knew of presence when the process ended, until the connection takes it. */
export class KeptPresence {
  readonly #deps: Deps;
  readonly #accounts: Map<string, KeptAccount[]>;
  readonly #savers = new Map<string, PresenceSaver>();

  constructor(deps: Deps, accounts: Map<string, KeptAccount[]>) {
    this.#deps = deps;
    this.#accounts = accounts;
  }

  /** Gives back and keeps what a connection knows; the same for as long as the process lives. */
  of(connection: string): PresenceSaver {
    let saver = this.#savers.get(connection);
    if (!saver) {
      saver = new PresenceSaver({ ...this.#deps, connection, kept: this.#accounts.get(connection) ?? [] });
      this.#savers.set(connection, saver);
      this.#accounts.delete(connection);
    }
    return saver;
  }

  /** Removes what was kept of connections over which nothing is asked. It never rejects. */
  async removeUnused(): Promise<void> {
    const unused = [...this.#accounts];
    this.#accounts.clear();
    for (const [connection, kept] of unused) {
      // Of an account without tables nothing stays.
      await new PresenceSaver({ ...this.#deps, connection, kept }).close();
    }
  }
}

/** Reads what was kept of presence, once, before anything is asked. It never rejects: what cannot be read is not known. */
export async function loadKeptPresence(deps: Deps): Promise<KeptPresence> {
  let entries: readonly Entry[] = [];
  try {
    entries = await deps.store.list(PRESENCE);
  } catch (error) {
    keepingFailed({ connection: "", action: "load", message: (error as Error).message });
  }
  const byConnection = new Map<string, Map<string, StoredPart[]>>();
  for (const { key, value, revision } of entries) {
    const parsed = parsePartKey(key);
    if (!parsed) continue;
    const { connection, accountId, part } = parsed;
    const accounts = byConnection.get(connection) ?? new Map<string, StoredPart[]>();
    byConnection.set(connection, accounts);
    accounts.set(accountId, [...(accounts.get(accountId) ?? []), { part, value, revision }]);
  }
  const now = deps.clock.now();
  const kept = new Map<string, KeptAccount[]>();
  for (const [connection, accounts] of byConnection) {
    const read = [...accounts].map(([accountId, parts]) => readAccount(accountId, parts, now));
    for (const { accountId, whole } of read) if (!whole) keptNotWhole({ connection, account: accountId });
    kept.set(connection, read);
  }
  return new KeptPresence(deps, kept);
}
