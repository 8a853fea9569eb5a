import { randomBytes } from "node:crypto";
import type { Clock } from "./clock.ts";
import type { Identity } from "./oauth.ts";
import type { Switches } from "./switches.ts";

/** WsTokens holds the tokens that open a socket, each of them one. */
export class WsTokens {
  readonly #tokens = new Map<string, { identity: Identity; expiresAt: number }>();
  readonly #deps: { clock: Clock; switches: Switches };

  constructor(deps: { clock: Clock; switches: Switches }) {
    this.#deps = deps;
  }

  issue(identity: Identity): string {
    const { clock, switches } = this.#deps;
    const token = randomBytes(24).toString("base64url");
    this.#tokens.set(token, { identity, expiresAt: clock.now() + switches.wsTokenTtl * 1000 });
    return token;
  }

  /** Whose token it is; undefined when it is not good, or not any more. */
  spend(token: string): Identity | undefined {
    const found = this.#tokens.get(token);
    this.#tokens.delete(token);
    return found && found.expiresAt > this.#deps.clock.now() ? found.identity : undefined;
  }
}
