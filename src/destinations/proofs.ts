import type { Store } from "../stores/store.ts";
import { log } from "../telemetry/log.ts";

// Where it is remembered: `proven/<id>` holds the template revision, and with a connection its revision after a "/".
const PROVEN = "proven/";

/** What a real verdict was given with. */
export interface Standing {
  readonly id: string;
  readonly templateRevision: bigint;
  /** 0 with a credential of its own. */
  readonly credentialRevision: bigint;
}

/** Proofs remember which destinations gave a real verdict with their present template and credential. */
export class Proofs {
  readonly #store: Pick<Store, "list" | "put">;
  readonly #proven = new Map<string, string>();

  constructor({ store }: { store: Pick<Store, "list" | "put"> }) {
    this.#store = store;
  }

  async load(): Promise<void> {
    for (const { key, value } of await this.#store.list(PROVEN)) {
      this.#proven.set(key.slice(PROVEN.length), Buffer.from(value).toString());
    }
  }

  holds(standing: Standing): boolean {
    return this.#proven.get(standing.id) === textOf(standing);
  }

  /** Remembers a real verdict, over restarts. */
  async prove(standing: Standing): Promise<void> {
    const { id } = standing;
    if (this.holds(standing)) return;
    const text = textOf(standing);
    this.#proven.set(id, text);
    try {
      await this.#store.put(`${PROVEN}${id}`, Buffer.from(text));
    } catch (error) {
      // It is remembered in this process; a restart asks for one more real verdict.
      log.warn({ destinationId: id, err: error }, "first real verdict not stored");
    }
  }
}

function textOf({ templateRevision, credentialRevision }: Standing): string {
  return credentialRevision === 0n ? `${templateRevision}` : `${templateRevision}/${credentialRevision}`;
}
