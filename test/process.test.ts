import { Code } from "@connectrpc/connect";
import { credentials, Client as GrpcClient, type ServiceError } from "@grpc/grpc-js";
import { service as health } from "grpc-health-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { type Simulator, startSimulator } from "../simulator/server.ts";
import { killLeftovers, type ReadyProcess, spawnService, startProcess } from "./support/child.ts";
import { BOTH_PORTS } from "./support/clients.ts";
import { destinationOf } from "./support/destinations.ts";
import { metricIn } from "./support/service.ts";
import { watching } from "./support/watching.ts";

let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator();
});
afterAll(async () => {
  killLeftovers();
  await simulator.close();
});

const page = async (running: ReadyProcess, path: string) => {
  const answer = await fetch(`http://${running.http}${path}`);
  return { status: answer.status, text: await answer.text() };
};

describe("a service that runs", () => {
  let running: ReadyProcess;
  beforeAll(async () => {
    running = await startProcess({ UPSTREAM_ALLOW: simulator.origin, LOG_LEVEL: "debug" });
    const { availability } = running.by("Connect over HTTP/1.1");
    await availability.configure({ destination: destinationOf(simulator, { id: "running" }) });
    for (const way of BOTH_PORTS) await running.by(way).availability.check({ destinationId: "running" });
  });
  afterAll(() => running.stop());

  test("/healthz and /readyz answer 200", async () => {
    expect(await page(running, "/healthz")).toEqual({ status: 200, text: '{"status":"ok"}\n' });
    expect(await page(running, "/readyz")).toEqual({ status: 200, text: '{"status":"serving"}\n' });
  });

  test("/metrics counts what happened", async () => {
    const { text } = await page(running, "/metrics");
    expect(metricIn(text, "availability_decisions_total", 'reason="CRITERIA_MET"')).toBe(2);
    expect(metricIn(text, "availability_upstream_calls_total", 'outcome="OK"')).toBe(1);
    expect(metricIn(text, "availability_upstream_budget_left", 'group="light"')).toBe(49);
    expect(
      metricIn(text, "rpc_server_call_duration_count", 'rpc_method="availability.v1.AvailabilityService/Check"'),
    ).toBe(2);
    for (const name of [
      "availability_snapshot_age_count",
      "availability_changes_total",
      "availability_upstream_duration_count",
    ]) {
      expect(metricIn(text, name), name).toBeGreaterThan(0);
    }
    expect(text).not.toContain("running");
  });

  test("gRPC health says SERVING for the server and each service, and NOT_FOUND for another", async () => {
    const client = new GrpcClient(running.grpc, credentials.createInsecure());
    const ask = (service: string) =>
      new Promise((resolve) => {
        const { path, requestSerialize, responseDeserialize } = health.Check!;
        client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service }, (error, answer) =>
          resolve(error ? error.code : answer),
        );
      });
    const names = ["Availability", "Destination", "Connection"].map((name) => `availability.v1.${name}Service`);
    for (const name of ["", ...names]) expect(await ask(name)).toEqual({ status: "SERVING" });
    expect(await ask("no.such.Service")).toBe(Code.NotFound);
    client.close();
  });

  test("log lines are JSON with time, level and message, and stderr is silent", () => {
    expect(running.lines.length).toBeGreaterThan(2);
    for (const line of running.lines) {
      expect(line).toMatchObject({
        level: expect.any(String),
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        msg: expect.any(String),
      });
    }
    expect(running.said.stderr).toBe("");
  });
});

describe("SIGTERM", () => {
  test("is not ready at once, ends streams with UNAVAILABLE, lets a Check in flight finish, and exits 0", async () => {
    const running = await startProcess({ UPSTREAM_ALLOW: simulator.origin });
    const { id: queueId } = simulator.world.addQueue(2);
    const { availability } = running.by("Connect over HTTP/1.1");
    await availability.configure({ destination: destinationOf(simulator, { id: "last", queueId }) });
    const streams = BOTH_PORTS.map((way) =>
      watching(running.by(way).availability, { destinationIds: ["last"], passive: true }),
    );
    await Promise.all(streams.map((stream) => stream.untilKind("synced")));
    const grpc = new GrpcClient(running.grpc, credentials.createInsecure());
    const statuses: string[] = [];
    const { path, requestSerialize, responseDeserialize } = health.Watch!;
    const watch = grpc.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service: "" });
    const serving = new Promise((resolve) => watch.once("data", resolve));
    watch.on("data", ({ status }: { status: string }) => statuses.push(status));
    const healthEnded = new Promise<ServiceError>((resolve) => watch.on("error", resolve));
    await serving;

    simulator.faults.add({ kind: "hang", queueId });
    const asked = simulator.requests.length;
    const checks = BOTH_PORTS.map((way) => running.by(way).availability.check({ destinationId: "last" }));
    await simulator.waitForRequests(asked + 1);
    running.kill("SIGTERM");
    await running.line(({ msg }) => msg === "stopping");
    expect(await page(running, "/readyz")).toMatchObject({ status: 503 });
    for (const stream of streams) {
      const error = await stream.end();
      expect(error.code).toBe(Code.Unavailable);
      expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    }
    simulator.faults.release();
    for (const { availability } of await Promise.all(checks)) expect(availability).toMatchObject({ accepted: true });
    expect((await healthEnded).code).toBe(Code.Unavailable);
    expect(statuses).toEqual(["SERVING", "NOT_SERVING"]);
    grpc.close();
    expect(await running.exit).toEqual({ code: 0, signal: null });
    expect(running.lines.at(-1)).toMatchObject({ msg: "stopped" });
    expect(running.said.stderr).toBe("");
  });

  test("ends within the timeout of a Check whose read never ends", async () => {
    const running = await startProcess({ UPSTREAM_ALLOW: simulator.origin });
    const { id: queueId } = simulator.world.addQueue(1);
    const { availability } = running.by("grpc-js on the gRPC port");
    await availability.configure({ destination: destinationOf(simulator, { id: "stuck", queueId, timeoutMs: 1500 }) });
    simulator.faults.add({ kind: "hang", queueId });
    const asked = simulator.requests.length;
    const check = availability.check({ destinationId: "stuck" }).catch((error: unknown) => error);
    await simulator.waitForRequests(asked + 1);
    expect(await running.stop()).toBe(0);
    await check;
    simulator.faults.release();
  });

  test("SIGINT stops it as well", async () => {
    const running = await startProcess({});
    running.kill("SIGINT");
    expect(await running.exit).toEqual({ code: 0, signal: null });
  });
});

describe("a start", () => {
  const refused = async (env: Record<string, string>) => {
    const child = spawnService(env);
    const { code } = await child.exit;
    return { code, stderr: child.said.stderr };
  };

  test("with AUTH=none off loopback is refused with 1 and says why", async () => {
    const { code, stderr } = await refused({ HOST: "0.0.0.0" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/HOST is "0\.0\.0\.0".*loopback.*INSECURE=1/);
  });

  test("with INSECURE=1 off loopback warns", async () => {
    const running = await startProcess({ HOST: "0.0.0.0", INSECURE: "1" });
    expect(running.lines.find(({ level }) => level === "warn")).toMatchObject({
      host: "0.0.0.0",
      msg: expect.stringMatching(/INSECURE=1/),
    });
    expect(await running.stop()).toBe(0);
  });

  test("names every problem of its settings at once", async () => {
    const { code, stderr } = await refused({
      HTTP_PORT: "http",
      GRPC_PORT: "70000",
      STORE_URL: "nats://localhost",
      UPSTREAM_ALLOW: "evil",
      SECRETS_KEY: "c2hvcnQ=",
      AUTH: "jwt",
      INSECURE: "yes",
      LOG_LEVEL: "loud",
      TLS_CERT: "x",
    });
    expect(code).toBe(1);
    for (const name of [
      "HTTP_PORT",
      "GRPC_PORT",
      "STORE_URL",
      "UPSTREAM_ALLOW",
      "SECRETS_KEY",
      "AUTH",
      "INSECURE",
      "LOG_LEVEL",
      "TLS_CERT",
    ]) {
      expect(stderr).toContain(name);
    }
    expect(stderr).not.toContain("c2hvcnQ=");
  });

  test("on a port that is taken is refused with 1 and names it", async () => {
    const running = await startProcess({});
    const port = running.http.split(":")[1]!;
    const { code, stderr } = await refused({ HTTP_PORT: port });
    expect(code).toBe(1);
    expect(stderr).toContain(`127.0.0.1:${port}`);
    await running.stop();
  });
});
