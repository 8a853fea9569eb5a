import { afterEach, beforeEach, expect, test } from "vitest";
import { type Simulator, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";
import { TestClock } from "./test-clock.ts";

let simulator: Simulator;
let client: TestClient;
let clock: TestClock;

beforeEach(async () => {
  clock = new TestClock();
  simulator = await startSimulator(clock.options);
  client = new TestClient(simulator);
});
afterEach(async () => {
  await client.close();
  await simulator.close();
});

async function opened() {
  const socket = await client.open();
  await socket.next();
  return socket;
}

test("the server pings, and goes on when the pong comes", async () => {
  const socket = await opened();
  for (const [count, ms] of [
    [1, 30_000],
    [2, 20_000],
  ] as const) {
    clock.advance(ms);
    await expect.poll(() => socket.pings.length).toBe(count);
    // Its answer has come when the echo of what was sent after it has.
    socket.send({ type: "Heartbeat", messageId: "h" });
    await socket.next();
    clock.advance(10_000);
    expect(simulator.gateway.sockets).toBe(1);
  }
});

test("the server ends a socket whose pong does not come in ten seconds", async () => {
  const socket = await opened();
  socket.socket.pause();
  clock.advance(39_999);
  expect(simulator.gateway.sockets).toBe(1);
  clock.advance(1);
  await expect.poll(() => simulator.gateway.sockets).toBe(0);
  expect(simulator.gateway.connections[0]!.closed).toMatchObject({ code: 1006 });
});

test("a socket ends after half an hour of the client's silence", async () => {
  simulator.switches.pingInterval = 0;
  const socket = await opened();
  clock.advance(1_799_000);
  socket.send({ type: "Heartbeat", messageId: "h" });
  await socket.next();
  clock.advance(1_799_000);
  expect(simulator.gateway.sockets).toBe(1);
  clock.advance(1000);
  expect((await socket.next()).body.errorCode).toBe("WSG-902");
  expect(await socket.closed).toBe(1000);
});

test("a socket ends after a day", async () => {
  Object.assign(simulator.switches, { pingInterval: 0, idleTimeout: 1_000_000 });
  const socket = await opened();
  clock.advance(86_400_000);
  expect((await socket.next()).body.errorCode).toBe("WSG-903");
  expect(await socket.closed).toBe(1000);
});
