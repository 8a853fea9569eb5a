import { EventEmitter, once } from "node:events";
import { Agent, get } from "node:http";
import { Code, ConnectError } from "@connectrpc/connect";
import { credentials, Client as GrpcClient, type ServiceError as GrpcError, Metadata } from "@grpc/grpc-js";
import { service as healthService } from "grpc-health-check";
import { afterEach, describe, expect, test } from "vitest";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { clientOf, DUPLEX, echo, failureOf, type Implementation, startBoth, TRANSPORTS } from "./test-listeners.ts";

const seen = new EventEmitter();
let release: () => void = () => {};
let finished = 0;

const implementation: Implementation = {
  check({ destinationId: id }) {
    if (id !== "slow") return { availability: { destinationId: id } };
    seen.emit("slow");
    return new Promise((resolve) => {
      release = () => resolve({ availability: { destinationId: id } });
    });
  },
  // Neither of the two looks at its signal for more than to stop.
  async *watch(_, { signal }) {
    try {
      yield { event: { case: "synced", value: {} } };
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      finished++;
    }
  },
  async *checkStream(requests) {
    for await (const { requestId } of requests) yield echo(requestId);
    yield echo("last");
  },
};

let both: Awaited<ReturnType<typeof startBoth>>;
afterEach(() => both.stop());

async function watching(name: string) {
  const stream = clientOf(both.transports[name]!()).watch({})[Symbol.asyncIterator]();
  await stream.next();
  return stream;
}

describe("shutdown()", () => {
  test.each(TRANSPORTS)("ends a Watch with UNAVAILABLE and RetryInfo, and runs its finally, %s", async (name) => {
    both = await startBoth(implementation);
    finished = 0;
    const stream = await watching(name);
    const stopped = both.stop();
    const error = await failureOf(stream.next());
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(RetryInfoSchema)[0]?.retryDelay?.seconds).toBe(1n);
    await stopped;
    expect(finished).toBe(1);
  });

  test.each(DUPLEX)(
    "ends the requests of a CheckStream, sends what is answered, then UNAVAILABLE, %s",
    async (name) => {
      both = await startBoth(implementation);
      const requests = (async function* () {
        yield { requestId: "first" };
        await new Promise(() => {});
      })();
      const stream = clientOf(both.transports[name]!()).checkStream(requests)[Symbol.asyncIterator]();
      expect((await stream.next()).value?.requestId).toBe("first");
      const stopped = both.stop();
      expect((await stream.next()).value?.requestId).toBe("last");
      expect((await failureOf(stream.next())).code).toBe(Code.Unavailable);
      await stopped;
    },
  );

  test.each(TRANSPORTS)("lets a call in flight finish while streams end, %s", async (name) => {
    both = await startBoth(implementation);
    const stream = await watching(name);
    const started = once(seen, "slow");
    const call = clientOf(both.transports[name]!()).check({ destinationId: "slow" });
    await started;
    const stopped = both.stop();
    await failureOf(stream.next());
    release();
    expect((await call).availability?.destinationId).toBe("slow");
    await stopped;
  });

  test.each(TRANSPORTS)("cuts a call that outlasts the limit, %s", async (name) => {
    both = await startBoth(implementation, { limitMs: 50 });
    const started = once(seen, "slow");
    const call = failureOf(clientOf(both.transports[name]!()).check({ destinationId: "slow" }));
    await started;
    await both.stop();
    expect((await call).code).not.toBe(Code.DeadlineExceeded);
  });

  test("is not ready at once, still serves during the grace, and refuses afterwards", async () => {
    both = await startBoth(implementation, { graceMs: 200 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect(await page(`${both.url}/readyz`, agent)).toMatchObject({ status: 200, connection: "keep-alive" });
    const stopped = both.stop();
    expect(await page(`${both.url}/readyz`, agent)).toMatchObject({ status: 503, connection: "close" });
    expect(await page(`${both.url}/healthz`, agent)).toMatchObject({ status: 200 });
    for (const name of TRANSPORTS) {
      const answer = await clientOf(both.transports[name]!()).check({ destinationId: "q" });
      expect(answer.availability?.destinationId).toBe("q");
    }
    await stopped;
    for (const name of TRANSPORTS) {
      const error = await clientOf(both.transports[name]!())
        .check({ destinationId: "q" })
        .then(
          () => undefined,
          (reason) => ConnectError.from(reason),
        );
      expect(error, name).toBeInstanceOf(ConnectError);
    }
  });

  test("refuses a call on a connection that is kept, with UNAVAILABLE", async () => {
    both = await startBoth(implementation, { graceMs: 0 });
    const slow = once(seen, "slow");
    const held = clientOf(both.transports["Connect over HTTP/1.1"]!()).check({ destinationId: "slow" });
    await slow;
    const transport = both.transports["Connect over HTTP/1.1, JSON and GET"]!();
    await clientOf(transport).check({ destinationId: "q" });
    both.lifecycle.follow((phase) => phase === "closing" && seen.emit("closing"));
    const closing = once(seen, "closing");
    // The phase alone, before the ports close: what a request in the same moment meets.
    const drained = both.lifecycle.drain();
    await closing;
    const error = await failureOf(clientOf(transport).check({ destinationId: "q" }));
    expect(error.code).toBe(Code.Unavailable);
    expect(error.findDetails(RetryInfoSchema)).toHaveLength(1);
    release();
    await held;
    await drained;
  });

  test("says NOT_SERVING to health watchers, then ends them", async () => {
    both = await startBoth(implementation, { graceMs: 50 });
    const client = new GrpcClient(`127.0.0.1:${both.grpc.port}`, credentials.createInsecure());
    const { Watch } = healthService;
    const call = client.makeServerStreamRequest(
      Watch!.path,
      Watch!.requestSerialize,
      Watch!.responseDeserialize,
      { service: "availability.v1.AvailabilityService" },
      new Metadata(),
    );
    const states: unknown[] = [];
    call.on("data", ({ status }) => {
      states.push(status);
      if (status === "SERVING") void both.stop();
    });
    const [error] = (await once(call, "error")) as [GrpcError];
    expect(states).toEqual(["SERVING", "NOT_SERVING"]);
    expect(error.code).toBe(Code.Unavailable);
    await both.stop();
    client.close();
  });

  test("resolves although a client holds idle connections of both protocols", async () => {
    both = await startBoth(implementation, { limitMs: 60_000 });
    const agent = new Agent({ keepAlive: true });
    await page(`${both.url}/healthz`, agent);
    for (const name of ["Connect over h2c", "gRPC on the gRPC port"]) {
      await clientOf(both.transports[name]!()).check({ destinationId: "q" });
    }
    await both.stop();
    await expect(page(`${both.url}/healthz`, agent)).rejects.toThrow(/ECONNREFUSED/);
  });
});

test("startBoth() refuses calls with UNAVAILABLE while the server starts", async () => {
  both = await startBoth(implementation, { starting: true });
  expect(await page(`${both.url}/readyz`)).toMatchObject({ status: 503 });
  for (const name of TRANSPORTS) {
    const error = await failureOf(clientOf(both.transports[name]!()).check({ destinationId: "q" }));
    expect(error.code, name).toBe(Code.Unavailable);
  }
});

function page(url: string, agent?: Agent): Promise<{ status: number | undefined; connection: string | undefined }> {
  return new Promise((resolve, reject) => {
    get(url, { agent }, (res) => {
      res.resume();
      res.on("end", () => resolve({ status: res.statusCode, connection: res.headers.connection }));
    }).on("error", reject);
  });
}
