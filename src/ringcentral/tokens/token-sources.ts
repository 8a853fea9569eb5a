import type { Clock } from "../../lib/clock.ts";
import type { Keyring } from "../../lib/sealing.ts";
import type { Store } from "../../stores/store.ts";
import { backOffOpened } from "../../telemetry/events.ts";
import type { BackOffs } from "../../upstream/backoff.ts";
import type { HttpClient } from "../../upstream/http-client.ts";
import type { Budget } from "../calls/budget.ts";
import { OVER_BUDGET } from "../calls/calls.ts";
import { Turn } from "../calls/turn.ts";
import type { ConnectionSource } from "../connection-source.ts";
import { connectionIdentity } from "../identity.ts";
import { createPastedToken } from "./pasted-token.ts";
import { RenewingToken } from "./renewing-token.ts";
import { type AuthBudget, createTokenEndpoint } from "./token-endpoint.ts";
import type { TokenSource } from "./token-source.ts";
import { createTokenStore } from "./token-store.ts";

/** The connection whose token it is, as far as its Auth group goes. */
export interface TokenOwner {
  readonly budget: () => Budget;
  readonly backOffKey: () => string;
  /** There is a new token. */
  readonly onRenewed: () => void;
}

interface Deps {
  readonly http: Pick<HttpClient, "send">;
  readonly clock: Clock;
  readonly store: Store;
  readonly keyring: Keyring;
  readonly identityKey: Uint8Array;
  readonly backOffs: Pick<BackOffs, "open" | "blocked">;
}

/** Makes the token source of a connection: pasted, or one that renews itself. */
export function createTokenSources(deps: Deps): (source: ConnectionSource, owner: TokenOwner) => TokenSource {
  return ({ key, origin, access }, owner) => {
    if (access.kind === "bearer_token") return createPastedToken(access.token);
    const { http, clock, store, keyring, identityKey } = deps;
    const identity = connectionIdentity(identityKey, origin, access);
    return new RenewingToken({
      access,
      clock,
      connection: key,
      ask: createTokenEndpoint({ http, clock, origin, access, budget: authBudget(owner, deps) }),
      store: createTokenStore({ store, keyring, key, identity }),
      onRenewed: owner.onRenewed,
    });
  };
}

/** Token calls go before everything else of their group, and do not wait for a turn: everybody waits for them. */
function authBudget(owner: TokenOwner, { backOffs, clock }: Pick<Deps, "backOffs" | "clock">): AuthBudget {
  /** When the call under way was counted. */
  let counted: number[] = [];
  return {
    blocked(now) {
      const penalty = backOffs.blocked([owner.backOffKey()], now);
      if (penalty) return penalty;
      const until = owner.budget().freeAt(new Turn("check"));
      return until > clock.now() ? { failure: OVER_BUDGET, until } : undefined;
    },
    spend: () => void counted.push(owner.budget().spend()),
    observe(state) {
      owner.budget().observe(state, counted);
      counted = [];
    },
    limited(failure, now) {
      const key = owner.backOffKey();
      const untilMs = backOffs.open(key, failure, now);
      backOffOpened({ scope: "budget", reason: failure.reason, message: failure.message, key, untilMs });
    },
  };
}
