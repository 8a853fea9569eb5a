import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { answer } from "./api.ts";
import { type Clock, SimulatorClock } from "./clock.ts";
import { control, isControl } from "./control.ts";
import { deliver } from "./deliver.ts";
import { Faults } from "./faults.ts";
import { Gateway } from "./gateway.ts";
import { gatewayRoutes } from "./gateway-routes.ts";
import type { Layout } from "./layout.ts";
import { driveLoad, type LoadOptions } from "./load.ts";
import { OAuth } from "./oauth.ts";
import { DEFAULT_APP, type OAuthAppOptions } from "./oauth-apps.ts";
import { oauthRoutes } from "./oauth-routes.ts";
import { presenceRoutes } from "./presence-routes.ts";
import { queueRoutes } from "./queue-routes.ts";
import { RateLimits, type UsageGroup } from "./rate-limit.ts";
import { RequestLog, type RequestRecord } from "./request-log.ts";
import { DEFAULT_SWITCHES, type Switches } from "./switches.ts";
import { World, type WorldOptions } from "./world.ts";

export interface SimulatorOptions extends WorldOptions {
  /** 0 (any free one) unless set. */
  port?: number;
  /** The access token that is good without having been issued. */
  token?: string;
  /** Apps beside the one that is always there, or in its place. */
  apps?: readonly OAuthAppOptions[];
  layout?: Layout;
  /** An agent does something every so many milliseconds; 0, unless set: only by `world.tick()` or `world.set()`. */
  intervalMs?: number;
  /** Calls from the start on; none unless set. */
  load?: LoadOptions;
  /** Calls per minute, user and app; 50 light, 40 medium, 10 heavy, 5 auth unless set, Infinity = no limit. */
  limits?: Partial<Record<UsageGroup, number>>;
  switches?: Partial<Switches>;
  /** Unix milliseconds, so that tests can move on a minute. */
  now?: () => number;
  /** Waits in the time of `now`, see Clock; real timers unless given. */
  after?: Clock["after"];
  /** Also serve `/simulator/...`, see control.ts. */
  control?: boolean;
}

/** Simulator is a RingCentral stand-in on loopback. */
export interface Simulator {
  /** For example http://127.0.0.1:41234. */
  readonly origin: string;
  /** The access token that was good at the start. */
  readonly token: string;
  /** Access tokens that are good now without having been issued: add and delete at will. */
  readonly tokens: Set<string>;
  /** What it takes to get a token by OAuth. */
  readonly client: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly jwt: string;
    readonly ownerId: string;
  };
  readonly oauth: OAuth;
  /** The WebSocket side. */
  readonly gateway: Gateway;
  readonly world: World;
  readonly faults: Faults;
  readonly limits: RateLimits;
  /** May be changed at any time. */
  readonly switches: Switches;
  /** What came, oldest first; requests to `/simulator/...` are not among them. */
  readonly requests: readonly RequestRecord[];
  /** Begins a load of calls in place of one that runs; undefined ends it. */
  load(options: LoadOptions | undefined): void;
  /** Resolves when so many requests have come since the start or the last `clearRequests()`; rejects at `close()`. */
  waitForRequests(count: number): Promise<void>;
  clearRequests(): void;
  /** Ends every connection, hanging requests too; resolves when nothing is left running. */
  close(): Promise<void>;
}

/** Starts a simulator; resolves when it listens. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { token = "simulated-access-token", layout = "jackson", intervalMs = 0 } = options;
  const clock = new SimulatorClock(options);
  const now = () => clock.now();
  const world = new World({ ...options, now });
  const faults = new Faults();
  const limits = new RateLimits(options.limits ?? {}, now);
  const switches: Switches = { ...DEFAULT_SWITCHES, ...options.switches };
  const tokens = new Set([token]);
  const oauth = new OAuth({ now, switches, tokens, apps: options.apps ?? [] });
  const log = new RequestLog();
  const load = driveLoad(world, clock);
  const origin = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const resources = { world, switches, layout, origin };
  const gateway = new Gateway({ clock, switches, faults, limits, log, world, origin });
  const routes = [
    ...oauthRoutes({ oauth, switches, now }),
    ...gatewayRoutes({ gateway, layout }),
    ...presenceRoutes(resources),
    ...queueRoutes(resources),
  ];
  const controlled = { world, faults, limits, switches, oauth, gateway, load, log };
  const platform = { faults, limits, oauth, switches, routes };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.control && isControl(request)) return control(request, response, controlled);
    const record = log.add(request, now());
    const gone = new AbortController();
    response.once("close", () => {
      record.broken = !response.writableFinished;
      gone.abort();
    });
    // Anything else is answered in the same turn in which it came.
    const body = request.method === "POST" ? await text(request) : "";
    request.resume();
    world.advanceTo(now());
    const { method = "", url = "/", headers } = request;
    const { reply, ...about } = answer({ method, url, headers, body }, platform);
    Object.assign(record, { ...about, fault: about.fault?.kind });
    await deliver(response, reply, about.fault, { faults, clock, signal: gone.signal });
    if (response.headersSent) record.status = reply.status;
  }

  const server = createServer((request, response) => {
    // An error of the simulator itself has to be seen, not to look like one of RingCentral's.
    serve(request, response).catch((error: unknown) => {
      if (!request.readableAborted) console.error(error);
      response.destroy();
    });
  });
  server.on("upgrade", (request, socket, head) => gateway.upgrade(request, socket, head));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const ticking = intervalMs > 0 ? setInterval(() => world.tick(), intervalMs) : undefined;
  load(options.load);

  return {
    origin: origin(),
    token,
    tokens,
    client: { ...DEFAULT_APP, jwt: DEFAULT_APP.jwts[0] },
    oauth,
    gateway,
    world,
    faults,
    limits,
    switches,
    requests: log.records,
    load,
    waitForRequests: (count) => log.waitFor(count),
    clearRequests: () => log.clear(),
    close() {
      clearInterval(ticking);
      clock.close();
      log.close();
      gateway.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
