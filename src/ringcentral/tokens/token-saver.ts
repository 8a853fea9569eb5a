import type { Clock } from "../../lib/clock.ts";
import { tokenStoreRecovered, tokenStoreTrouble } from "../../telemetry/token-events.ts";
import type { Issued } from "./token-answer.ts";
import type { TokenStore } from "./token-store.ts";

const AGAIN_MS = { first: 1_000, most: 60_000 };

/**
 * TokenSaver saves the newest token, and goes on trying where that fails. A token that is not saved is used all the same,
 * since RingCentral ended the one before it when it gave this one; but a process that ends before the save succeeds loses a
 * refresh token that is used up.
 */
export class TokenSaver {
  readonly #deps: { readonly store: Pick<TokenStore, "save">; readonly clock: Clock; readonly connection: string };
  /** What is to be kept; an older token is not saved over it. */
  #newest: Issued | undefined;
  #closed = false;
  #cancelTimer = () => {};

  constructor(deps: { store: Pick<TokenStore, "save">; clock: Clock; connection: string }) {
    this.#deps = deps;
  }

  /** Resolves when it is saved, or when that failed and will be tried again. */
  async save(issued: Issued): Promise<void> {
    this.#newest = issued;
    this.#cancelTimer();
    if (!(await this.#try(issued))) this.#again(issued, AGAIN_MS.first);
  }

  /** What is saved from now on does not replace another credential's. */
  close(): void {
    this.#closed = true;
    this.#cancelTimer();
  }

  #again(issued: Issued, wait: number): void {
    if (this.#closed) return;
    this.#cancelTimer = this.#deps.clock.after(wait, () => void this.#retry(issued, wait));
  }

  async #retry(issued: Issued, waited: number): Promise<void> {
    if (await this.#try(issued)) tokenStoreRecovered({ connection: this.#deps.connection });
    else if (this.#newest === issued) this.#again(issued, Math.min(waited * 2, AGAIN_MS.most));
  }

  async #try(issued: Issued): Promise<boolean> {
    const { connection, store } = this.#deps;
    try {
      await store.save(issued, { unlessReplaced: this.#closed });
      return true;
    } catch (error) {
      tokenStoreTrouble({ connection, action: "save", message: (error as Error).message });
      return false;
    }
  }
}
