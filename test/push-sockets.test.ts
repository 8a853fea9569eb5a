import { request } from "undici";
import { afterEach, expect, test } from "vitest";
import { type Simulator, startSimulator } from "../simulator/server.ts";
import { systemClock } from "../src/lib/clock.ts";
import { Secret } from "../src/lib/secret.ts";
import { Push } from "../src/ringcentral/push/push.ts";
import type { WsToken } from "../src/ringcentral/push/push-dialer.ts";
import type { PushEvent, PushFilter } from "../src/ringcentral/push/push-event.ts";
import type { SavedShard } from "../src/ringcentral/push/push-recovery.ts";
import { createAllowList } from "../src/upstream/allow-list.ts";
import { createDispatcher } from "../src/upstream/dispatcher.ts";
import { createWebSockets } from "../src/upstream/web-socket.ts";

// Push over real sockets, against the simulator.

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function world() {
  const simulator = await startSimulator({ queues: 2, agents: 4 });
  closing.push(() => simulator.close());
  const dispatcher = createDispatcher({ allowList: createAllowList([simulator.origin]) });
  closing.push(() => dispatcher.destroy());
  const sockets = createWebSockets({ dispatcher, clock: systemClock });
  closing.push(() => Promise.resolve(sockets.close()));
  const events: PushEvent[] = [];
  const saves: (readonly SavedShard[])[] = [];
  const start = (saved: readonly SavedShard[] = []) => {
    const push = new Push({
      clock: systemClock,
      random: Math.random,
      connection: "main",
      openSocket: sockets.open,
      wsToken: wsTokenOf(simulator),
      filtersPerSocket: 100,
      pingIntervalMs: () => 500,
      recovery: {
        load: () => Promise.resolve(saved),
        save: (shards) => {
          saves.push(shards);
          return Promise.resolve();
        },
      },
      onEvent: (event) => events.push(event),
      onCoverage: () => {},
      onRefused: () => {},
    });
    closing.push(() => push.close());
    return push;
  };
  return { simulator, events, saves, start };
}

function wsTokenOf(simulator: Simulator): WsToken {
  return async () => {
    const { body } = await request(`${simulator.origin}/restapi/oauth/wstoken`, {
      method: "POST",
      headers: { authorization: `Bearer ${simulator.token}` },
    });
    const { uri, ws_access_token } = (await body.json()) as { uri: string; ws_access_token: string };
    return { ok: true, uri, token: new Secret(ws_access_token) };
  };
}

/** A queue of the simulator, the filter for it, and what opts its first member in and out. */
function aQueue(simulator: Simulator) {
  const queueId = simulator.world.queueIds[0]!;
  const filter: PushFilter = { kind: "queue", accountId: "~", queueId };
  const optIn = (acceptCurrentQueueCalls: boolean) => simulator.world.set(queueId, 0, { acceptCurrentQueueCalls });
  optIn(true);
  return { filter, optIn };
}

const within = { timeout: 15_000, interval: 20 };

test("Push tells what changes, resumes what was cut, and is resumed by the next start", async () => {
  const { simulator, events, saves, start } = await world();
  const { filter, optIn } = aQueue(simulator);
  const push = start();
  push.want([filter]);
  await expect.poll(() => push.state, within).toBe("LIVE");
  const { since } = push.coverageOf(filter)!;
  optIn(false);
  optIn(true);
  await expect.poll(() => events.length, within).toBe(2);

  simulator.gateway.cut("abrupt");
  await expect.poll(() => push.coverageOf(filter)?.live, within).toBe(false);
  optIn(false);
  await expect.poll(() => push.coverageOf(filter)?.live, within).toBe(true);
  expect(simulator.gateway.connections.map(({ recovery }) => recovery)).toEqual([undefined, "Successful"]);
  expect([events.length, push.coverageOf(filter)?.since]).toEqual([3, since]);
  const provedBefore = push.coverageOf(filter)!.aliveAt;
  await expect.poll(() => push.coverageOf(filter)!.aliveAt, within).toBeGreaterThan(provedBefore);

  await push.close();
  optIn(true);
  const next = start(saves.at(-1));
  next.want([filter]);
  await expect.poll(() => next.state, within).toBe("LIVE");
  expect([simulator.gateway.connections.at(-1)?.recovery, next.coverageOf(filter)?.since]).toEqual([
    "Successful",
    since,
  ]);
  expect(events.at(-1)).toMatchObject({ kind: "queue", members: [{ acceptCurrentQueueCalls: true }] });
  expect(simulator.gateway.connections.flatMap(({ violations }) => violations)).toEqual([]);
});

test("Push changes its filters without a gap, and leaves no socket when it is closed", async () => {
  const { simulator, start } = await world();
  const { filter } = aQueue(simulator);
  const push = start();
  push.want([filter]);
  await expect.poll(() => push.state, within).toBe("LIVE");
  const { since } = push.coverageOf(filter)!;
  const account: PushFilter = { kind: "account", accountId: "~" };
  push.want([filter, account]);
  await expect.poll(() => push.coverageOf(account)?.live, within).toBe(true);
  expect(push.coverageOf(filter)).toEqual({ since, aliveAt: expect.any(Number), live: true });
  await expect.poll(() => simulator.gateway.sockets, within).toBe(1);
  await push.close();
  await expect.poll(() => simulator.gateway.sockets, within).toBe(0);
  expect(simulator.gateway.connections.flatMap(({ violations }) => violations)).toEqual([]);
});

test("Push begins anew when the session to resume is not known any more, and says why a handshake failed", async () => {
  const { simulator, start } = await world();
  const { filter } = aQueue(simulator);
  const push = start();
  push.want([filter]);
  await expect.poll(() => push.state, within).toBe("LIVE");
  const { since } = push.coverageOf(filter)!;
  simulator.switches.gateway = "unavailable";
  simulator.gateway.cut("abrupt");
  await expect.poll(() => push.lastFailure?.failure.message, within).toContain("HTTP 503");
  expect(push.state).toBe("DOWN");
  simulator.gateway.forgetSessions();
  simulator.switches.gateway = "up";
  await expect.poll(() => push.state, within).toBe("LIVE");
  expect(push.coverageOf(filter)!.since).toBeGreaterThan(since);
});
