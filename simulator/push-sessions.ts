import type { Clock } from "./clock.ts";
import type { Identity } from "./oauth.ts";
import { PushSession, parseWsc } from "./push-session.ts";
import type { Switches } from "./switches.ts";

/** What a socket begins with: a session, from which place on, and whether it was there before. */
export interface Beginning {
  readonly session: PushSession;
  readonly sequence: number;
  /** Undefined when no place was named. */
  readonly recovery: "Successful" | "Failed" | undefined;
  /** What is sent again, as text. */
  readonly again: readonly string[];
}

/** PushSessions holds the sessions of sockets, for as long as their clients may come back. */
export class PushSessions {
  readonly #sessions = new Map<string, PushSession>();
  readonly #deps: { clock: Clock; switches: Switches };

  constructor(deps: { clock: Clock; switches: Switches }) {
    this.#deps = deps;
  }

  /** Those that are in use or could be recovered. */
  get live(): PushSession[] {
    for (const [id, session] of this.#sessions) if (this.#over(session)) this.#sessions.delete(id);
    return [...this.#sessions.values()];
  }

  /** The session of a place that is known still; otherwise a new one. */
  begin(identity: Identity, wsc: string | null): Beginning {
    const place = wsc === null ? undefined : parseWsc(wsc);
    const known = this.live.find(
      ({ id, identity: { caller } }) => id === place?.sessionId && caller === identity.caller,
    );
    const missed = known && place && known.after(place.sequence);
    if (known && place && missed) {
      known.leftAt = undefined;
      const again = this.#deps.switches.replay === "buffer" ? known.buffer : missed;
      return { session: known, sequence: place.sequence, recovery: "Successful", again: again.map(({ text }) => text) };
    }
    const session = new PushSession(identity);
    this.#sessions.set(session.id, session);
    const recovery = wsc === null ? undefined : "Failed";
    return { session, sequence: session.wsc().sequence, recovery, again: [] };
  }

  /** How many other sessions of the same user and app have a subscription. */
  othersOf(session: PushSession): number {
    const { caller } = session.identity;
    return this.live.filter((other) => other !== session && other.identity.caller === caller && other.subscription)
      .length;
  }

  /** Forgets those whose socket went. */
  forget(): void {
    for (const [id, { leftAt }] of this.#sessions) if (leftAt !== undefined) this.#sessions.delete(id);
  }

  #over({ leftAt }: PushSession): boolean {
    const { clock, switches } = this.#deps;
    return leftAt !== undefined && clock.now() - leftAt > switches.recoveryTimeout * 1000;
  }
}
