import { Code, createRouterTransport, type Interceptor } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { TestClock } from "../lib/test-clock.ts";
import { Lifecycle } from "./guard-lifecycle.ts";
import { createGuards } from "./guards.ts";
import { clientOf, echo, failureOf, type Implementation } from "./test-listeners.ts";

function serve(implementation: Implementation, deps: { interceptors: Interceptor[] }) {
  const router = { interceptors: deps.interceptors };
  return clientOf(
    createRouterTransport((routes) => void routes.service(AvailabilityService, implementation), { router }),
  );
}

test("createGuards() ends a stream with UNAVAILABLE when it reaches the maximum age, and leaves no timer", async () => {
  const clock = new TestClock();
  const lifecycle = new Lifecycle({ clock });
  lifecycle.serve();
  const interceptors = createGuards({ validate() {}, lifecycle, clock, maxStreamAgeMs: 1000 });
  const client = serve(
    {
      async *watch({ passive }, { signal }) {
        yield { event: { case: "synced", value: {} } };
        if (passive) return;
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
      },
    },
    { interceptors },
  );
  const stream = client.watch({})[Symbol.asyncIterator]();
  await stream.next();
  for await (const _ of client.watch({ passive: true }));
  const ended = failureOf(stream.next());
  await clock.advance(899);
  expect(clock.pending).toBe(1);
  await clock.advance(101);
  expect((await ended).code).toBe(Code.Unavailable);
  expect(clock.pending).toBe(0);
});

test("createGuards() validates the one request of a call, never those of a stream of requests", async () => {
  const lifecycle = new Lifecycle({ clock: new TestClock() });
  lifecycle.serve();
  const validated: string[] = [];
  const interceptors = createGuards({ validate: (_, method) => void validated.push(method.name), lifecycle });
  const client = serve(
    {
      check: () => ({}),
      async *watch() {
        yield { resumeToken: "t" };
      },
      async *checkStream(requests) {
        for await (const { requestId } of requests) yield echo(requestId);
      },
    },
    { interceptors },
  );
  await client.check({});
  for await (const _ of client.watch({}));
  const requests = (async function* () {
    yield { requestId: "a" };
    yield { requestId: "b" };
  })();
  for await (const _ of client.checkStream(requests));
  expect(validated).toEqual(["Check", "Watch"]);
});

test("drain() waits for the grace once, however often it is called, and tells followers each phase", async () => {
  const clock = new TestClock();
  const lifecycle = new Lifecycle({ clock, graceMs: 300 });
  const phases: string[] = [];
  lifecycle.follow((phase) => phases.push(phase));
  lifecycle.serve();
  const first = lifecycle.drain();
  await clock.advance(299);
  expect(lifecycle.drain()).toBe(first);
  lifecycle.serve();
  expect(phases).toEqual(["serving", "draining"]);
  await clock.advance(1);
  await first;
  expect(phases).toEqual(["serving", "draining", "closing"]);
});
