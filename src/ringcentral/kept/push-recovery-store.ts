import { isSealedWithFirst, type Keyring, SealingError } from "../../lib/sealing.ts";
import { Secret } from "../../lib/secret.ts";
import type { Store } from "../../stores/store.ts";
import { keepingFailed, keepingRecovered, pushRecoveryDiscarded } from "../../telemetry/kept-events.ts";
import { filterKey, filterOfKey } from "../push/push-filters.ts";
import type { PushRecovery, SavedShard } from "../push/push-recovery.ts";
import { RECOVERIES, recoveryKey } from "./kept-record.ts";
import type { PresenceSaver } from "./presence-saver.ts";

const FORMAT = 1;

/** A shard as it is sealed, the filters together that have account and beginning in common. */
interface Plain extends Omit<SavedShard, "wsc" | "filters"> {
  readonly filters: readonly {
    readonly accountId: string;
    readonly since?: number | undefined;
    readonly keys: string[];
  }[];
  readonly token: string;
  readonly sequence: number;
}

/**
 * Keeps a connection's push over restarts, sealed: the tokens let others listen. What push told is written before what
 * resumes it from there. Trouble of the store is logged, and push begins anew at the next start.
 */
export function createPushRecovery(deps: {
  store: Pick<Store, "get" | "put" | "delete">;
  keyring: Keyring;
  connection: string;
  presence: Pick<PresenceSaver, "flush" | "safe">;
}): PushRecovery {
  const { store, keyring, connection, presence } = deps;
  // Opens nowhere but in the place of its own connection.
  const key = recoveryKey(connection);
  let inTrouble = false;
  /** What is in the store, as far as that is certain. */
  let stored: string | undefined;

  return {
    async load() {
      const entry = presence.safe ? await store.get(key) : undefined;
      if (!entry) return [];
      const sealed = Buffer.from(entry.value).toString();
      const text = open(sealed);
      const shards = text === undefined ? undefined : fromText(text);
      if (!shards) pushRecoveryDiscarded({ connection });
      // Keys are only taken out of use when nothing is sealed with them any more.
      else if (!isSealedWithFirst(sealed, keyring)) await put(text!, entry.revision);
      return shards ?? [];
    },

    async save(shards) {
      if (!(await presence.flush())) {
        stored = undefined;
        return;
      }
      const text = toText(shards);
      if (text === stored) return;
      try {
        stored = undefined;
        await put(text);
        stored = text;
        if (inTrouble) keepingRecovered({ connection });
        inTrouble = false;
      } catch (error) {
        if (!inTrouble) keepingFailed({ connection, action: "save", message: (error as Error).message });
        inTrouble = true;
      }
    },
  };

  async function put(text: string, expected?: number): Promise<void> {
    await store.put(key, Buffer.from(keyring.seal(new Secret(text), key)), { expected });
  }

  function open(sealed: string): string | undefined {
    try {
      return keyring.open(sealed, key).reveal();
    } catch (error) {
      if (error instanceof SealingError) return undefined;
      throw error;
    }
  }
}

/** The connections of which push is kept, for removing those that are gone. */
export async function keptRecoveries(store: Pick<Store, "list">): Promise<string[]> {
  return (await store.list(RECOVERIES)).map(({ key }) => key.slice(RECOVERIES.length));
}

/** Removes what resumes the push of a connection that is gone. */
export async function forgetRecovery(store: Pick<Store, "delete">, connection: string): Promise<void> {
  await store.delete(recoveryKey(connection));
}

function toText(shards: readonly SavedShard[]): string {
  const plain = shards.map(({ wsc, filters, ...shard }): Plain => {
    const groups = Map.groupBy(filters, ({ filter, since }) => `${filter.accountId} ${since}`);
    const together = [...groups.values()].map((group) => {
      const [{ filter, since }] = group as [(typeof group)[number]];
      return { accountId: filter.accountId, since, keys: group.map((one) => filterKey(one.filter)) };
    });
    return { ...shard, filters: together, token: wsc.token.reveal(), sequence: wsc.sequence };
  });
  return JSON.stringify({ format: FORMAT, shards: plain });
}

/** What toText() wrote; it is authentic, so only another release could have written anything else. */
function fromText(text: string): readonly SavedShard[] | undefined {
  const { format, shards } = JSON.parse(text);
  if (format !== FORMAT) return undefined;
  return shards.map(({ token, sequence, filters, aliveAt, resumableForMs, expiresAt }: Plain) => ({
    filters: filters.flatMap(({ accountId, since, keys }) =>
      keys.map((key) => ({ filter: filterOfKey(key, accountId), since })),
    ),
    wsc: { token: new Secret(token), sequence },
    aliveAt,
    resumableForMs,
    expiresAt,
  }));
}
