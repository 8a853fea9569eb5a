import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import { AvailabilityService } from "../gen/availability/v1/availability_service_pb.ts";
import { ConnectionService } from "../gen/availability/v1/connection_service_pb.ts";
import { type Child, startChild } from "./child.ts";
import { demoConnection, demoDestinations, demoJwt } from "./demo-destinations.ts";
import { availabilityLine, banner } from "./demo-lines.ts";

// The demo: a simulated RingCentral and the service, each a process of its own, a connection and two queues configured as
// any client would, and every change printed, as push brings it. `--seconds N` ends it by itself; `--service PATH` runs another program as the service.

const { values } = parseArgs({ options: { seconds: { type: "string" }, service: { type: "string" } } });
const servicePath = values.service ?? join(import.meta.dirname, "../src/main.ts");

const ending = new AbortController();
const ended = new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve(), { once: true }));
const end = () => ending.abort();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
process.stdout.on("error", end); // Nobody reads any more, as in `npm run demo | head`.

async function demo(children: Child<unknown>[], directory: string): Promise<void> {
  const credential = { clientId: "demo-app", clientSecret: randomUUID(), jwt: demoJwt() };
  const simulator = startChild(
    "simulator",
    [
      join(import.meta.dirname, "main.ts"),
      ...["--client-id", credential.clientId, "--client-secret", credential.clientSecret, "--jwt", credential.jwt],
      ...["--agents", "5", "--interval", "1500"],
    ],
    ({ origin, queues }) => (typeof origin === "string" ? { origin, queues: queues as string[] } : undefined),
  );
  children.push(simulator);
  const { origin, queues } = await simulator.ready;
  if (ending.signal.aborted) return;

  const service = startChild(
    "service",
    [servicePath],
    ({ msg, http, grpc }) => (msg === "ready" ? { http: String(http), grpc: String(grpc) } : undefined),
    {
      env: {
        ...process.env,
        STORE_URL: `sqlite:${join(directory, "availability.db")}`,
        UPSTREAM_ALLOW: origin,
        HTTP_PORT: await freePort(8080),
        GRPC_PORT: await freePort(50051),
        LOG_LEVEL: "info",
      },
    },
  );
  children.push(service);
  const addresses = await service.ready;

  const transport = createConnectTransport({ baseUrl: `http://${addresses.http}`, httpVersion: "1.1" });
  const client = createClient(AvailabilityService, transport);
  const connection = demoConnection(origin, credential);
  await createClient(ConnectionService, transport).configureConnection({ connection });
  for (const destination of demoDestinations(queues)) await client.configure({ destination });
  console.log(banner({ ...addresses, origin }));
  await Promise.race([watch(client), simulator.died, service.died]);
}

/** Prints every change until the demo ends; a Watch that ends is begun again where it was. */
async function watch(client: Client<typeof AvailabilityService>): Promise<void> {
  let resumeToken = "";
  while (!ending.signal.aborted) {
    try {
      const events = client.watch({ destinationIds: ["sales", "support"], resumeToken }, { signal: ending.signal });
      for await (const { event, resumeToken: position } of events) {
        resumeToken = position || resumeToken;
        if (event.case === "availability") console.log(availabilityLine(event.value, new Date()));
      }
    } catch (error) {
      if (!ending.signal.aborted) console.log(`Watch ended, watching again: ${String(error)}`);
    }
    await wait(1000, undefined, { signal: ending.signal }).catch(() => {});
  }
}

/** `preferred` as text when nobody listens there, else "0": any free one. */
function freePort(preferred: number): Promise<string> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve("0"));
    probe.listen(preferred, "127.0.0.1", () => probe.close(() => resolve(String(preferred))));
  });
}

const children: Child<unknown>[] = [];
const directory = await mkdtemp(join(tmpdir(), "availability-demo-"));
if (values.seconds !== undefined) setTimeout(end, Number(values.seconds) * 1000).unref();
try {
  await Promise.race([demo(children, directory), ended]);
} catch (error) {
  // Ctrl-C reaches the children too, so they may be gone first.
  if (!ending.signal.aborted) {
    process.exitCode = 1;
    console.error(error instanceof Error ? error.message : error);
  }
}
end();
// The service first: it reads from the simulator to the end.
for (const child of children.toReversed()) {
  await child.stop().catch((error: Error) => {
    process.exitCode = 1;
    console.error(error.message);
  });
}
await rm(directory, { recursive: true, force: true });
process.exit();
