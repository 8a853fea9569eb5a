import { type SimulatorOptions, startSimulator } from "../../simulator/server.ts";
import type { Dated } from "../../src/acceptance/dated.ts";
import { Secret } from "../../src/lib/secret.ts";
import { settle, TestClock } from "../../src/lib/test-clock.ts";
import { Presence } from "../../src/presence/presence.ts";
import type { QuestionReads } from "../../src/presence/question-reads.ts";
import { Budgets } from "../../src/ringcentral/calls/budgets.ts";
import { connectionSource } from "../../src/ringcentral/connection-source.ts";
import { Connections } from "../../src/ringcentral/connections.ts";
import { questionOf } from "../../src/ringcentral/question.ts";
import { createPastedToken } from "../../src/ringcentral/tokens/pasted-token.ts";
import { createAllowList } from "../../src/upstream/allow-list.ts";
import { BackOffs } from "../../src/upstream/backoff.ts";
import { createDispatcher } from "../../src/upstream/dispatcher.ts";
import { createHttpClient } from "../../src/upstream/http-client.ts";

/** Presence, and the simulator that it reads over real sockets, on one clock that the test moves; without push. */
export async function presenceOnClock(options: SimulatorOptions) {
  let underWay = 0;
  // What waits for a socket is under way, everything else for the clock.
  const clock = new TestClock(undefined, async () => {
    do await settle();
    while (underWay > 0);
  });
  const time = { now: () => clock.now(), after: (ms: number, then: () => void) => clock.after(ms, then) };
  const simulator = await startSimulator({ ...time, ...options });
  const dispatcher = createDispatcher({ allowList: createAllowList([simulator.origin]) });
  const client = createHttpClient({ dispatcher, clock });
  const http: Pick<typeof client, "send"> = {
    send(request, rest) {
      underWay++;
      return client.send(request, rest).finally(() => underWay--);
    },
  };
  const backOffs = new BackOffs();
  const access = { kind: "bearer_token", token: new Secret(simulator.token) } as const;
  const budgets = new Budgets(clock);
  const connections = new Connections({
    clock,
    http,
    backOffs,
    budgets,
    tokens: () => createPastedToken(access.token),
  });
  const presence = new Presence({ clock, backOffs, connections });
  const source = connectionSource(new Uint8Array(32), simulator.origin, access);
  return {
    clock,
    simulator,
    presence,
    /** Begins to watch a queue of the simulator for an answer that is at most so old. */
    watch(queueId: string, maxAgeMs: number, dependsOn: readonly Dated[]): QuestionReads {
      const queue = { origin: simulator.origin, accountId: "~", queueId, onlyExtensions: [] };
      const detail = dependsOn.includes("extension") ? "QUEUE_AND_EXTENSION" : "QUEUE";
      const told = { onRead: () => {}, onCall: () => {} };
      const member = { maxAgeMs, timeoutMs: 10_000, dependsOn, asking: true, ...told };
      const reads = presence.attach(questionOf(queue, detail, source), member);
      reads.watch(1);
      return reads;
    },
    async close() {
      presence.close();
      client.close();
      await dispatcher.destroy();
      await simulator.close();
    },
  };
}
