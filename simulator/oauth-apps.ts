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
export const DEFAULT_SCOPE = "ReadAccounts ReadPresence WebSocketsSubscription";

/** The app that is always there. */
export const DEFAULT_APP = {
  clientId: "simulated-client",
  clientSecret: "simulated-client-secret",
  ownerId: DEFAULT_OWNER_ID,
  jwts: ["c2ltdWxhdGVk.and.and3Q"],
} as const satisfies OAuthAppOptions;

/** JWTs of so many users: the first as it is and the default owner's, the others with "-2", "-3" and so on behind. */
export function jwtsOf(first: string, users: number): readonly Jwt[] {
  const others = Array.from({ length: users - 1 }, (_, index) => ({
    jwt: `${first}-${index + 2}`,
    ownerId: String(Number(DEFAULT_OWNER_ID) - index - 1),
  }));
  return [{ jwt: first, ownerId: DEFAULT_OWNER_ID }, ...others];
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
