import type { Route } from "./call.ts";
import type { Gateway } from "./gateway.ts";
import type { Layout } from "./layout.ts";
import { platformReply } from "./reply.ts";

/** The route to a WebSocket token. The permission has one name in the guide and another in the console. */
export function gatewayRoutes({ gateway, layout }: { gateway: Gateway; layout: Layout }): Route[] {
  return [
    {
      name: "wstoken",
      method: "POST",
      pattern: /^\/restapi\/oauth\/wstoken$/,
      group: "auth",
      permissions: ["WebSocketsSubscription", "WebSocket", "WebSockets"],
      highlyAvailable: true,
      handle: ({ identity, limitHeaders: headers }) =>
        platformReply(200, gateway.issueToken(identity), { layout, headers }),
    },
  ];
}
