/** An app as it is registered in the developer console. */
export interface OAuthAppOptions {
  clientId: string;
  /** Absent for a public client. */
  clientSecret?: string;
  /** Its permissions, separated by spaces. */
  scope?: string;
  /** Off unless set, as in the console. */
  issueRefreshTokens?: boolean;
  /** The extension whose JWTs these are. */
  ownerId?: string;
  /** Good JWT credentials; one may be another user's, or end (Unix milliseconds). */
  jwts?: readonly (string | Jwt)[];
}

export interface Jwt {
  readonly jwt: string;
  readonly ownerId?: string;
  readonly expiresAt?: number;
}

/** An app as the simulator has it. */
export interface OAuthApp {
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  scope: readonly string[];
  issueRefreshTokens: boolean;
  readonly ownerId: string;
  readonly jwts: Map<string, { readonly ownerId: string; readonly expiresAt: number }>;
}

/** The extension whose tokens are issued unless an app says otherwise: somebody in no queue. */
export const DEFAULT_OWNER_ID = "62363425000";
const FIRST_USER_ID = 72_000_000_001;
export const DEFAULT_SCOPE = "ReadAccounts ReadPresence WebSocketsSubscription";

/** The app that is always there. */
export const DEFAULT_APP = {
  clientId: "simulated-client",
  clientSecret: "simulated-client-secret",
  ownerId: DEFAULT_OWNER_ID,
  jwts: ["c2ltdWxhdGVk.and.and3Q"],
} as const satisfies OAuthAppOptions;

/** JWTs of the app that is always there, each of a user of its own: nobody's calls count as another's. */
export function jwtsOfUsers(count: number): Jwt[] {
  const [jwt] = DEFAULT_APP.jwts;
  return Array.from({ length: count }, (_, user) => ({
    jwt: `${jwt}-${user + 1}`,
    ownerId: `${FIRST_USER_ID + user}`,
  }));
}

export function parseApp(options: OAuthAppOptions): OAuthApp {
  const { clientId, clientSecret, scope = DEFAULT_SCOPE, ownerId = DEFAULT_OWNER_ID, jwts = [] } = options;
  const credential = (given: string | Jwt) => {
    const { jwt, expiresAt = Number.POSITIVE_INFINITY, ...rest } = typeof given === "string" ? { jwt: given } : given;
    return [jwt, { ownerId: ("ownerId" in rest && rest.ownerId) || ownerId, expiresAt }] as const;
  };
  return {
    clientId,
    clientSecret,
    scope: words(scope),
    issueRefreshTokens: options.issueRefreshTokens ?? false,
    ownerId,
    jwts: new Map(jwts.map(credential)),
  };
}

export function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
