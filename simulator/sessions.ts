import { randomBytes, randomUUID } from "node:crypto";

/** Whom a token speaks for. */
export interface Principal {
  readonly ownerId: string;
  readonly clientId: string;
  readonly scope: readonly string[];
}

export interface SessionOptions extends Principal {
  readonly endpointId?: string | undefined;
  /** Seconds. */
  readonly accessTtl: number;
  /** Seconds; undefined = no refresh token. */
  readonly refreshTtl?: number | undefined;
}

interface Token {
  readonly text: string;
  /** Unix milliseconds. */
  expiresAt: number;
}

/** One login of a user by an app. */
export interface Session extends SessionOptions {
  readonly id: string;
  readonly endpointId: string;
  access: Token;
  refresh: Token | undefined;
  /** The access token was used. */
  used: boolean;
  /** The refresh token before the present one, while it still brings the present tokens. */
  previous: Token | undefined;
}

const UNUSED_GRACE_MS = 60 * 60_000;
const USED_GRACE_MS = 10_000;

/**
 * Sessions holds every login. A refresh token is used once: with the new tokens the old access token ends at once, while
 * the old refresh token brings the same new tokens again, for an hour, or for ten seconds from when the new access token
 * was first used.
 */
export class Sessions {
  readonly #sessions = new Set<Session>();
  readonly #now: () => number;
  readonly #max: () => number;

  constructor(now: () => number, max: () => number) {
    this.#now = now;
    this.#max = max;
  }

  /** Those that are not over, oldest first. */
  get live(): Session[] {
    const now = this.#now();
    for (const session of this.#sessions) {
      const { access, refresh, previous } = session;
      if ([access, refresh, previous].every((token) => !token || token.expiresAt <= now))
        this.#sessions.delete(session);
    }
    return [...this.#sessions];
  }

  /** A new login; one more than a user may have of an app ends the oldest. */
  open(options: SessionOptions): Session {
    const now = this.#now();
    const { ownerId, clientId, accessTtl, refreshTtl } = options;
    const same = this.live.filter((session) => session.ownerId === ownerId && session.clientId === clientId);
    for (const old of same.slice(0, Math.max(0, same.length + 1 - this.#max()))) this.#sessions.delete(old);
    const session: Session = {
      ...options,
      id: randomUUID(),
      endpointId: options.endpointId ?? randomUUID(),
      access: newToken(now, accessTtl),
      refresh: refreshTtl === undefined ? undefined : newToken(now, refreshTtl),
      used: false,
      previous: undefined,
    };
    this.#sessions.add(session);
    return session;
  }

  /** The session of an access token that is good now; it counts as used. */
  use(accessToken: string): Session | undefined {
    const now = this.#now();
    const session = this.#find(({ access }) => access.text === accessToken && access.expiresAt > now);
    if (!session) return undefined;
    if (!session.used && session.previous)
      session.previous.expiresAt = Math.min(session.previous.expiresAt, now + USED_GRACE_MS);
    session.used = true;
    return session;
  }

  /** The session that a refresh token belongs to, and what it is there; nothing changes. */
  ofRefreshToken(text: string): { session: Session; state: "current" | "previous" | "expired" } | undefined {
    const now = this.#now();
    for (const session of this.#sessions) {
      const { refresh, previous } = session;
      if (refresh?.text === text) return { session, state: refresh.expiresAt > now ? "current" : "expired" };
      if (previous?.text === text && previous.expiresAt > now) return { session, state: "previous" };
    }
    return undefined;
  }

  /** New tokens for the present refresh token, the same tokens for the one before it; undefined when it brings nothing. */
  rotate(refreshToken: string): Session | undefined {
    const now = this.#now();
    const { session, state } = this.ofRefreshToken(refreshToken) ?? {};
    if (!session?.refresh || state === "expired") return undefined;
    if (state === "previous") {
      // An access token may be shorter-lived than the hour in which it may be fetched again.
      if (session.access.expiresAt <= now) session.access = newToken(now, session.accessTtl);
      return session;
    }
    session.previous = { text: session.refresh.text, expiresAt: now + UNUSED_GRACE_MS };
    session.access = newToken(now, session.accessTtl);
    session.refresh = newToken(now, session.refreshTtl ?? 0);
    session.used = false;
    return session;
  }

  /** The session that has this token, of either kind. */
  of(token: string): Session | undefined {
    return this.#find(({ access, refresh }) => access.text === token || refresh?.text === token);
  }

  end(session: Session): void {
    this.#sessions.delete(session);
  }

  #find(holds: (session: Session) => boolean): Session | undefined {
    for (const session of this.#sessions) if (holds(session)) return session;
    return undefined;
  }
}

function newToken(now: number, ttl: number): Token {
  return { text: `SJC11P01${randomBytes(24).toString("base64url")}`, expiresAt: now + ttl * 1000 };
}
