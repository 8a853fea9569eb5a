import { trace } from "@opentelemetry/api";
import manifest from "../package.json" with { type: "json" };
import { createEvaluator } from "./acceptance/evaluate.ts";
import { createExplainer } from "./acceptance/explain.ts";
import { Board } from "./availability/board.ts";
import { createCheck } from "./availability/check.ts";
import { createEvaluateAcceptance } from "./availability/evaluate-acceptance.ts";
import { createExplainedCheck } from "./availability/explained-check.ts";
import { History } from "./availability/history.ts";
import { Hub } from "./availability/hub.ts";
import { createTestDestination } from "./availability/try-destination.ts";
import { createWatch } from "./availability/watch.ts";
import { createConfigureConnection } from "./connections/configure-connection.ts";
import { ConnectionRegistry } from "./connections/connection-registry.ts";
import type { Access } from "./connections/credentials.ts";
import { createDeleteConnection } from "./connections/delete-connection.ts";
import { createConfigure } from "./destinations/configure.ts";
import { createDelete } from "./destinations/delete.ts";
import { Overrides } from "./destinations/overrides.ts";
import { createPrepare } from "./destinations/prepare.ts";
import { type AskableDestination, Registry } from "./destinations/registry.ts";
import { type Clock, systemClock } from "./lib/clock.ts";
import { createKeyring } from "./lib/sealing.ts";
import { Presence } from "./presence/presence.ts";
import { Budgets } from "./ringcentral/calls/budgets.ts";
import { connectionSource } from "./ringcentral/connection-source.ts";
import { Connections } from "./ringcentral/connections.ts";
import { fingerprint } from "./ringcentral/identity.ts";
import { loadKeptPresence } from "./ringcentral/kept/presence-store.ts";
import { createPushRecovery, forgetRecovery, keptRecoveries } from "./ringcentral/kept/push-recovery-store.ts";
import { NamedConnections } from "./ringcentral/named-connections.ts";
import { questionOf } from "./ringcentral/question.ts";
import { createQueuePicker } from "./ringcentral/queue-picker.ts";
import { createTokenSources } from "./ringcentral/tokens/token-sources.ts";
import { forgetToken, keptTokens } from "./ringcentral/tokens/token-store.ts";
import { listenGrpc } from "./rpc/grpc.ts";
import { Lifecycle } from "./rpc/guard-lifecycle.ts";
import { createGuards } from "./rpc/guards.ts";
import { listenHttp } from "./rpc/http.ts";
import type { Listener } from "./rpc/listener.ts";
import { createRoutes } from "./rpc/routes.ts";
import { validate } from "./rpc/validate.ts";
import type { Settings } from "./settings.ts";
import { loadIdentityKey } from "./stores/identity-key.ts";
import { loadKeys } from "./stores/keys.ts";
import { keyFileOf, openStore } from "./stores/open.ts";
import { openHistory } from "./stores/open-history.ts";
import { sealedWith } from "./stores/sealed-with.ts";
import { detachedClock } from "./telemetry/detached-clock.ts";
import { log } from "./telemetry/log.ts";
import type { Telemetry } from "./telemetry/otel.ts";
import { createAllowList } from "./upstream/allow-list.ts";
import { BackOffs } from "./upstream/backoff.ts";
import { createDispatcher } from "./upstream/dispatcher.ts";
import { createHttpClient } from "./upstream/http-client.ts";
import { createWebSockets } from "./upstream/web-socket.ts";

/** The running service. */
export interface App {
  /** Where the listeners are bound, for example "127.0.0.1:8080". */
  readonly http: string;
  readonly grpc: string;
  /** Drains and stops everything; resolves when nothing is left running. */
  shutdown(): Promise<void>;
}

/** Starts the service: the one place that knows every room, in the order in which an answer comes about. */
export async function startApp(
  settings: Settings,
  deps: { telemetry: Pick<Telemetry, "metricsHandler">; clock?: Clock },
): Promise<App> {
  const { telemetry, clock = systemClock } = deps;
  const closers: (() => unknown)[] = [];
  /** Whatever was opened last is closed first. */
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    // What can be asked about.
    const store = openStore(settings.storeUrl);
    closers.push(() => store.close());
    const keys = loadKeys({
      secretsKey: settings.secretsKey,
      keyFilePath: keyFileOf(settings.storeUrl),
      sealedWith: await sealedWith(store),
    });
    if (keys.created) log.warn({ path: keys.path }, "made a key for secrets: back it up, stored secrets need it");
    const keyring = createKeyring(keys.keys);
    const identityKey = await loadIdentityKey(store, keyring);
    const allowList = createAllowList(settings.upstreamAllow);
    const configuredConnections = new ConnectionRegistry({ store, keyring, allowList });
    closers.push(() => configuredConnections.close());
    const registry = new Registry({ store, keyring, allowList, connections: configuredConnections });
    closers.push(() => registry.close());
    const overrides = new Overrides({ store, clock });
    closers.push(() => overrides.close());
    await overrides.load();

    // Asking, and what was said. It goes on for everybody, and in nobody's name.
    const background = detachedClock(clock);
    const dispatcher = createDispatcher({ allowList });
    closers.push(() => dispatcher.destroy());
    const http = createHttpClient({ dispatcher, clock: background });
    closers.push(() => http.close());
    const sockets = createWebSockets({ dispatcher, clock: background });
    closers.push(() => sockets.close());
    const backOffs = new BackOffs();
    const kept = await loadKeptPresence({ store, clock: background });
    const connections = new Connections({
      http,
      clock: background,
      backOffs,
      kept,
      budgets: new Budgets(background),
      tokens: createTokenSources({ http, clock: background, store, keyring, identityKey, backOffs }),
      push: {
        openSocket: sockets.open,
        filtersPerSocket: settings.pushFiltersPerSocket,
        random: Math.random,
        recovery: (connection) => createPushRecovery({ store, keyring, connection, presence: kept.of(connection) }),
      },
    });
    closers.push(() => connections.close());
    const named = new NamedConnections(connections);
    const presence = new Presence({ connections, backOffs, clock: background });
    closers.push(() => presence.close());

    // The answer.
    const evaluator = createEvaluator({ clock });
    closers.push(() => evaluator.close());
    const explainer = createExplainer({ clock });
    closers.push(() => explainer.close());
    const history = new History({ store: openHistory(settings.storeUrl), clock });
    closers.push(() => history.close());
    const hub = new Hub();
    const question = ({ queue, detail, access }: AskableDestination) => {
      if (access.kind !== "connection") {
        return questionOf(queue, detail, connectionSource(identityKey, queue.origin, access));
      }
      const source = named.source(access.connectionId);
      if (!source) throw new Error(`Cannot ask over connection "${access.connectionId}": it is not open`);
      return questionOf(queue, detail, source);
    };
    const board = new Board({
      clock,
      presence,
      hub,
      history,
      overrides,
      evaluate: evaluator.evaluate,
      question,
      onProven: (entry) => void registry.prove(entry),
    });
    closers.push(() => board.close());
    registry.subscribe({
      configured: (entry) => board.put(entry),
      deleted(id) {
        board.remove(id);
        void overrides.forget(id);
      },
    });
    overrides.subscribe((id) => board.overrideChanged(id));
    configuredConnections.subscribe(named);
    await configuredConnections.load();
    await registry.load();
    // A process that ended between a deletion and this would leave an override to the next destination of that id.
    for (const id of overrides.ids()) if (!registry.get(id)) void overrides.forget(id);
    // What is kept of connections that are gone is kept for nobody.
    for (const key of await keptTokens(store)) if (!connections.get(key)) await forgetToken(store, key);
    for (const key of await keptRecoveries(store)) if (!connections.get(key)) await forgetRecovery(store, key);
    await kept.removeUnused();

    // The edge.
    const lifecycle = new Lifecycle({ clock });
    const usersOf = (connectionId: string) => registry.usersOf(connectionId);
    const printOf = (access: Access) => fingerprint(identityKey, access);
    const configured = {
      store,
      keyring,
      allowList,
      clock,
      registry,
      connections: configuredConnections,
      fingerprint: printOf,
    };
    const link = () => trace.getActiveSpan()?.spanContext();
    // What people try takes no turn from what routers ask.
    const { evaluate } = explainer;
    const check = createCheck({ clock, board, link, history });
    const routes = createRoutes({
      check,
      explainedCheck: createExplainedCheck({ check, board, clock, explainer }),
      testDestination: createTestDestination({ clock, explainer, evaluate, link, presence, question }),
      evaluateAcceptance: createEvaluateAcceptance({ clock, explainer, evaluate }),
      prepare: createPrepare(configured),
      board,
      overrides,
      history,
      clock,
      watch: createWatch({ clock, hub, board }),
      configure: createConfigure(configured),
      demandWarnings(destinationId) {
        const reads = board.get(destinationId)?.reads;
        return reads ? presence.demandWarnings(reads, "destination.freshness.max_age") : [];
      },
      remove: createDelete(configured),
      registry,
      connections: configuredConnections,
      configureConnection: createConfigureConnection(configured),
      removeConnection: createDeleteConnection({ store, connections: configuredConnections, usersOf }),
      usersOf,
      status: (connectionId) => {
        const connection = named.get(connectionId);
        return connection && presence.report(connection);
      },
      listCallQueues: createQueuePicker({ clock, connection: (connectionId) => named.get(connectionId) }),
    });
    const edge = {
      routes,
      guards: createGuards({ validate, lifecycle, clock }),
      lifecycle,
      clock,
      host: settings.host,
    };
    // One after the other: when one port is taken, the other must not stay behind. They close together.
    const ports: Listener[] = [];
    closers.push(() => Promise.all(ports.map((port) => port.shutdown())));
    const httpPort = await listenHttp({ ...edge, port: settings.httpPort, metrics: telemetry.metricsHandler });
    ports.push(httpPort);
    const grpcPort = await listenGrpc({ ...edge, port: settings.grpcPort });
    ports.push(grpcPort);
    lifecycle.serve();
    const addresses = { http: address(httpPort), grpc: address(grpcPort) };
    log.info({ ...addresses, version: manifest.version, destinations: [...registry.all()].length }, "ready");
    return { ...addresses, shutdown: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function address({ host, port }: { host: string; port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
