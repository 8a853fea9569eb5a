import type { Keyring } from "../lib/sealing.ts";
import { credentialsResealed } from "../telemetry/events.ts";
import { log } from "../telemetry/log.ts";
import { decodeRecord, encodeRecord, type RecordKind, type Versioned } from "./records.ts";
import { keyIdsIn } from "./sealed-with.ts";
import type { Store } from "./store.ts";

/**
 * Writes every record whose secret was sealed with an older key, sealed with the first one, so that the older can be
 * retired. `reseal` answers undefined for a record that stays. What somebody writes meanwhile is left as he wrote it. A
 * store that cannot be written stops nobody: the older keys are still there.
 */
export async function resealRecords<R extends Versioned>(
  store: Store,
  kind: RecordKind<R>,
  keyring: Pick<Keyring, "keyIds">,
  reseal: (record: R) => R | undefined,
): Promise<void> {
  const [first] = keyring.keyIds;
  let count = 0;
  for (const { key, value, revision } of await store.list(kind.prefix)) {
    // Reading all of a record takes long; at most starts there is none to be sealed again.
    if (keyIdsIn(value).every((id) => id === first)) continue;
    const record = decodeRecord(kind, value);
    const resealed = "message" in record ? reseal(record) : undefined;
    if (!resealed) continue;
    try {
      const put = await store.put(key, encodeRecord(kind, resealed), { expected: revision });
      if (put.ok) count++;
    } catch (error) {
      log.warn({ noun: kind.noun, err: error }, "secrets sealed with an older key stay so");
      break;
    }
  }
  if (count > 0) credentialsResealed({ noun: kind.noun, count });
}
