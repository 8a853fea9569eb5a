import { DEFAULT_APP, type OAuthApp, type OAuthAppOptions, parseApp, words } from "./oauth-apps.ts";
import { type Principal, type Session, Sessions } from "./sessions.ts";
import type { Switches } from "./switches.ts";

/** Who calls. */
export interface Identity extends Principal {
  /** User and app, by which calls are counted; never a secret. */
  readonly caller: string;
}

export interface IssueOptions {
  clientId?: string;
  ownerId?: string;
  /** The app's unless given. */
  scope?: string;
  /** Seconds, 3600 unless given. */
  accessTtl?: number;
  /** Whether there is a refresh token; as the app has it unless given. */
  refresh?: boolean;
  /** Seconds, 604800 unless given. */
  refreshTtl?: number;
}

/** A token as a test or a person holds it. */
export interface IssuedToken {
  readonly accessToken: string;
  readonly refreshToken: string | undefined;
  readonly sessionId: string;
}

export const ACCESS_TTL = 3600;
export const REFRESH_TTL = 604_800;

// Whoever holds a token made up by a test may do everything, under a name of its own.
const STATIC_SCOPE = ["ReadAccounts", "ReadPresence", "WebSocketsSubscription"];

/** OAuth knows the apps, their users' sessions, and which token is whose. */
export class OAuth {
  readonly apps = new Map<string, OAuthApp>();
  readonly sessions: Sessions;
  /** Access tokens that are good without having been issued. */
  readonly tokens: Set<string>;
  readonly #now: () => number;
  readonly #callers = new Map<string, string>();

  constructor(deps: { now: () => number; switches: Switches; tokens: Set<string>; apps: readonly OAuthAppOptions[] }) {
    this.#now = deps.now;
    this.tokens = deps.tokens;
    this.sessions = new Sessions(deps.now, () => deps.switches.maxSessions);
    for (const app of [DEFAULT_APP, ...deps.apps]) this.addApp(app);
  }

  /** Registers an app, in place of one of the same client id. */
  addApp(options: OAuthAppOptions): OAuthApp {
    const app = parseApp(options);
    this.apps.set(app.clientId, app);
    return app;
  }

  /** The app; throws when there is none. */
  app(clientId: string): OAuthApp {
    const app = this.apps.get(clientId);
    if (!app) throw new Error(`Cannot find app "${clientId}": there are ${[...this.apps.keys()].join(", ")}`);
    return app;
  }

  /** Changes an app's permissions, for tokens from now on. */
  setScope(clientId: string, scope: string): void {
    this.app(clientId).scope = words(scope);
  }

  /** A token without a call: a login of the app's owner, or of another user. */
  issue(options: IssueOptions = {}): IssuedToken {
    const app = this.app(options.clientId ?? DEFAULT_APP.clientId);
    const session = this.sessions.open({
      clientId: app.clientId,
      ownerId: options.ownerId ?? app.ownerId,
      scope: options.scope === undefined ? app.scope : words(options.scope),
      accessTtl: options.accessTtl ?? ACCESS_TTL,
      refreshTtl: (options.refresh ?? app.issueRefreshTokens) ? (options.refreshTtl ?? REFRESH_TTL) : undefined,
    });
    return { accessToken: session.access.text, refreshToken: session.refresh?.text, sessionId: session.id };
  }

  /** Whose token it is; undefined when it is not good. It counts as used. */
  identify(token: string): Identity | undefined {
    if (this.tokens.has(token)) {
      const caller = this.#callers.get(token) ?? `static-token-${this.#callers.size + 1}`;
      this.#callers.set(token, caller);
      return { caller, ownerId: DEFAULT_APP.ownerId, clientId: caller, scope: STATIC_SCOPE };
    }
    const session = this.sessions.use(token);
    return session && identityOf(session);
  }

  /** The name under which calls with this token are counted; throws when it is not good. */
  callerOf(token: string): string {
    const identity = this.tokens.has(token) ? this.identify(token) : this.sessions.of(token);
    if (!identity) throw new Error("Cannot tell who calls: the token is not good");
    return callerName(identity.ownerId, identity.clientId);
  }

  /** Ends the access token now, every one when none is given; refresh tokens stay good. */
  expireToken(accessToken?: string): void {
    for (const { access } of this.sessions.live) {
      if (accessToken === undefined || access.text === accessToken) access.expiresAt = this.#now();
    }
  }

  /** Ends a session with all its tokens, every one when none is given. */
  expireSession(sessionId?: string): void {
    for (const session of this.sessions.live) {
      if (sessionId === undefined || session.id === sessionId) this.sessions.end(session);
    }
  }

  /** Ends the session of an access or refresh token. */
  revoke(token: string): void {
    const session = this.sessions.of(token);
    if (session) this.sessions.end(session);
    this.tokens.delete(token);
  }
}

export function identityOf(session: Session): Identity {
  const { ownerId, clientId, scope } = session;
  return { caller: callerName(ownerId, clientId), ownerId, clientId, scope };
}

/** The name under which the calls of a user and app are counted; a token made up by a test has its own. */
export function callerName(ownerId: string, clientId: string): string {
  return clientId.startsWith("static-token-") ? clientId : `${ownerId}@${clientId}`;
}
