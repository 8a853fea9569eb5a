import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Connection, ConnectionSchema } from "../../gen/availability/v1/connection_pb.ts";
import type { OAuthClient, OAuthClientSchema } from "../../gen/availability/v1/credential_pb.ts";
import type { OAuthAppOptions } from "../../simulator/oauth-apps.ts";
import type { Simulator } from "../../simulator/server.ts";

type ConnectionInit = Exclude<MessageInitShape<typeof ConnectionSchema>, Connection>;
type OAuthInit = Exclude<MessageInitShape<typeof OAuthClientSchema>, OAuthClient>;

/** What a test says about a connection to a simulator. */
export interface ConnectionSketch {
  /** "main" unless given. */
  id?: string;
  /** That of the simulator's own app, with its JWT, unless given. */
  oauth?: OAuthInit;
  /** In place of `oauth`. */
  bearerToken?: string;
}

/** A connection to `simulator`. */
export function connectionOf(
  simulator: Pick<Simulator, "origin" | "client">,
  { id = "main", oauth = ownClient(simulator), bearerToken }: ConnectionSketch = {},
): ConnectionInit {
  const kind =
    bearerToken === undefined
      ? { case: "oauth" as const, value: oauth }
      : { case: "bearerToken" as const, value: bearerToken };
  return { id, serverUrl: simulator.origin, credential: { kind } };
}

/** Registers an app of its own, whose calls are counted by themselves; answers what it presents to get a token. */
export function newApp(
  simulator: Pick<Simulator, "oauth">,
  clientId: string,
  options: Omit<OAuthAppOptions, "clientId" | "clientSecret"> = {},
) {
  const jwt = Buffer.from(clientId).toString("base64url");
  const client = { clientId, clientSecret: `${clientId}-secret` };
  const app = { ...client, jwts: [`${jwt}.${jwt}.${jwt}`], ...options };
  simulator.oauth.addApp(app);
  const first = app.jwts[0]!;
  return {
    jwt: { ...client, grant: { case: "jwt", value: typeof first === "string" ? first : first.jwt } },
    refreshToken: (value: string) => ({ ...client, grant: { case: "refreshToken", value } }) as const,
    clientCredentials: { ...client, grant: { case: "clientCredentials", value: {} } },
  } as const satisfies Record<string, OAuthInit | ((value: string) => OAuthInit)>;
}

function ownClient({ client: { clientId, clientSecret, jwt } }: Pick<Simulator, "client">): OAuthInit {
  return { clientId, clientSecret, grant: { case: "jwt", value: jwt } };
}
