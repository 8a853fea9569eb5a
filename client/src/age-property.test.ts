import { Code, ConnectError } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import { Verdict } from "../../gen/availability/v1/availability_pb.ts";
import { createAvailabilityClient } from "./availability-client.ts";
import { msOf } from "./milliseconds.ts";
import { TestService } from "./test-service.ts";
import type { StateSketch } from "./test-states.ts";
import { TestWorld } from "./test-world.ts";

// Whatever the clocks show, however late messages come, wherever the stream is cut or falls silent and whatever happens at
// the service: no answer from memory is older than was asked for.

const IDS = ["a", "b", "c"];
const OWN_MAX_AGE_MS = 10_000;
const RUNS = 60;
const DRIFT_PPM = 50_000;
// What a comparison of two sums of floating point numbers of this size may be off.
const FLOAT_MS = 0.001;

const kind = fc.constantFrom("read", "read", "unread", "unread", "unread until", "undecided", "removed");
const id = fc.constantFrom(...IDS);
const wait = fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1, 40, 300, 1000, 2500, 9000) });
const change = fc.record({
  kind: fc.constant("change" as const),
  id,
  to: kind,
  lagMs: fc.constantFrom(0, 5, 700, 6000),
});
const take = fc.record({ kind: fc.constant("take" as const), events: fc.integer({ min: 1, max: 4 }) });
const network = fc.record({
  kind: fc.constant("network" as const),
  slownessMs: fc.constantFrom(0, 0, 30, 400, 2000, 5000),
});
const block = fc.record({ kind: fc.constant("block" as const), on: fc.boolean() });
const cut = fc.record({ kind: fc.constant("cut" as const) });
const step = fc.oneof(
  { weight: 6, arbitrary: wait },
  { weight: 6, arbitrary: change },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("confirm" as const), id, lagMs: fc.constantFrom(0, 5, 400) }) },
  { weight: 2, arbitrary: network },
  { weight: 2, arbitrary: cut },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("stall" as const) }) },
  { weight: 2, arbitrary: block },
  { weight: 3, arbitrary: take },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("refuse" as const), on: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      clockAhead: fc.constantFrom(-3_600_000, -3000, 0, 3000, 3_600_000),
    }),
  },
);
// What seldom comes about by itself: things change while a Watch is read slowly, and while it begins slowly.
const calm = [
  fc.constant({ kind: "block" as const, on: false }),
  fc.constant({ kind: "refuse" as const, on: false }),
  fc.constant({ kind: "network" as const, slownessMs: 0 }),
  fc.constant({ kind: "wait" as const, ms: 2500 }),
] as const;
const blocked = fc.constant({ kind: "block" as const, on: true });
const slowReader = fc.tuple(...calm, blocked, change, change, wait, take, wait, take, wait);
const slowStart = fc.tuple(...calm, blocked, cut, wait, take, change, change, wait, take, wait);
const slowRoundTrip = fc.tuple(...calm, network, cut, wait, change, wait, change, wait, change, wait);
const steps = fc.array(fc.oneof({ weight: 6, arbitrary: fc.tuple(step) }, slowReader, slowStart, slowRoundTrip), {
  maxLength: 16,
  size: "max",
});
type Step = typeof step extends fc.Arbitrary<infer Made> ? Made : never;

test("check() answers nothing from memory that is older than asked, whatever clocks and network do", async () => {
  const tally = { read: 0, unread: 0 };
  await fc.assert(
    fc.asyncProperty(
      steps,
      // The server's clock beside the local one: as much faster or slower as is allowed.
      fc.constantFrom(-1, 0, 1),
      fc.constantFrom(0.98, 1, 1.02),
      // How things are when it begins to watch.
      fc.record({
        kinds: fc.array(kind, { minLength: 3, maxLength: 3 }),
        slownessMs: fc.constantFrom(0, 30, 2000),
        blocked: fc.boolean(),
      }),
      async (steps, skew, localRate, { kinds, slownessMs, blocked }) => {
        const world = new TestWorld();
        const service = new TestService(world, localRate * (1 + (skew * DRIFT_PPM) / 1e6));
        service.network.slownessMs = slownessMs;
        service.blocked = blocked;
        for (const [index, to] of kinds.entries())
          perform(service, world, { kind: "change", id: IDS[index]!, to, lagMs: 0 });
        // Only what memory gives is looked at here.
        const unary = () => Promise.reject(new ConnectError("not by RPC", Code.Unavailable));
        const transport = { ...service.server.transport, unary };
        const clock = world.clock(localRate);
        const client = createAvailabilityClient({ transport, clock, clockDriftPpm: DRIFT_PPM });

        const judge = () => {
          for (const id of IDS) {
            for (const maxAgeMs of [undefined, 1200, 3000, 30_000]) {
              const answer = client.check(id, { maxAgeMs });
              if (answer instanceof Promise) answer.catch(() => {});
              else tally[judged(service, id, { answer, maxAgeMs })]++;
            }
          }
        };
        const pass = async (ms: number) => {
          for (let part = 0; part < 4; part++) {
            await world.advance(ms / 4);
            judge();
          }
        };
        for (const it of steps.flat()) {
          if (it.kind === "wait") await pass(it.ms);
          else perform(service, world, it);
          await world.advance(0);
          judge();
        }
        // All is well again, and so is the client.
        service.network.slownessMs = 0;
        service.refusing = false;
        service.blocked = false;
        await pass(20_000);
        expect(client.state).toBe("READY");
        for (const id of IDS) service.change(id, { observedAt: service.now });
        await pass(2000);
        for (const id of IDS) expect(client.check(id)).not.toBeInstanceOf(Promise);
        client.close();
        service.cut();
        await world.advance(10_000);
        expect(world.pending).toBe(0);
      },
    ),
    { numRuns: RUNS },
  );
  // It does answer from memory, of both kinds.
  expect(tally.read).toBeGreaterThan(1000);
  expect(tally.unread).toBeGreaterThan(1000);
}, 60_000);

function perform(service: TestService, world: TestWorld, it: Exclude<Step, { kind: "wait" }>): void {
  switch (it.kind) {
    case "change": {
      const sketch = changeTo(it.to, service.now - it.lagMs, service.now + it.lagMs);
      service.change(it.id, sketch);
      const { retryAt } = sketch ?? {};
      const said = service.current(it.id);
      // It ends by itself, if nobody has moved its end by then.
      if (retryAt === undefined || !said) return;
      world.after(it.lagMs, () => {
        if (service.current(it.id) === said && said.sketch.retryAt === retryAt)
          service.change(it.id, { observedAt: service.now });
      });
      return;
    }
    case "confirm": {
      const observed = service.current(it.id)?.sketch.observedAt !== undefined;
      service.confirm(it.id, observed ? { observedAt: service.now - it.lagMs } : { retryAt: undefined });
      return;
    }
    case "network":
      service.network.slownessMs = it.slownessMs;
      return;
    case "cut":
      service.cut();
      return;
    case "stall":
      service.stall();
      return;
    case "block":
      service.blocked = it.on;
      return;
    case "take":
      service.take(it.events);
      return;
    case "refuse":
      service.refusing = it.on;
      return;
    case "restart":
      service.restart(it.clockAhead);
  }
}

function changeTo(to: string, observedAt: number, endsAt: number): StateSketch | undefined {
  if (to === "removed") return undefined;
  if (to === "undecided") return { observedAt, verdict: Verdict.UNDECIDED };
  if (to === "read") return { observedAt, maxAgeMs: OWN_MAX_AGE_MS };
  return to === "unread" ? {} : { retryAt: endsAt };
}

/** Compares an answer from memory with the truth; tells what kind it was of. */
function judged(
  service: TestService,
  id: string,
  { answer, maxAgeMs = OWN_MAX_AGE_MS }: { answer: Availability; maxAgeMs: number | undefined },
): "read" | "unread" {
  const said = service.said.get(answer.version)!;
  expect(said.id).toBe(id);
  expect(answer.verdict).not.toBe(Verdict.UNDECIDED);
  const now = said.life.now();
  // Without observed presence it is as old as the time since which it was not so any more.
  const asOf = answer.observedAt ? msOf(answer.observedAt) : Math.min(said.until, now);
  expect(now - asOf).toBeLessThanOrEqual(maxAgeMs + FLOAT_MS);
  return answer.observedAt ? "read" : "unread";
}
