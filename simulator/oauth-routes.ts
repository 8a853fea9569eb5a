import type { Route } from "./call.ts";
import type { OAuth } from "./oauth.ts";
import type { Switches } from "./switches.ts";
import { admitClient, revokeReply, tokenReply } from "./token-endpoint.ts";

/** The routes of OAuth, where an app shows who it is by its client id and secret. */
export function oauthRoutes(deps: { oauth: OAuth; switches: Switches; now: () => number }): Route[] {
  const ofApp = { method: "POST", group: "auth", permissions: [], highlyAvailable: true } as const;
  return [
    {
      ...ofApp,
      name: "token",
      pattern: /^\/restapi\/oauth\/token$/,
      admit: (incoming) => admitClient(incoming, deps),
      handle: (call) => tokenReply(call, deps),
    },
    {
      ...ofApp,
      name: "revoke",
      pattern: /^\/restapi\/oauth\/revoke$/,
      admit: (incoming) => admitClient(incoming, deps),
      handle: (call) => revokeReply(call, deps),
    },
  ];
}
