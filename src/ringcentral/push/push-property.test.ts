import fc from "fast-check";
import { expect, test } from "vitest";
import type { PushEvent, PushFilter } from "./push-event.ts";
import { filterKey } from "./push-filters.ts";
import { extension, extensionPath, optIn, queue, queuePath, testPush } from "./test-push.ts";

// Whatever happens to sockets, tokens and the process: a value that was read under coverage, with the events applied
// that were told, is the truth of some moment at or after `aliveAt`.

const FILTERS = [queue("1"), queue("2"), queue("3"), extension("8"), extension("9")];
const MEMBER = "5";

interface Row {
  value: unknown;
  /** When the newest read was sent. */
  readAt: number;
  /** When an event last changed it. */
  toldAt: number;
}

type Step =
  | { act: "change"; filter: number; wait: number }
  | { act: "overtake"; filter: number; wait: number }
  | {
      act: "cut" | "silence" | "garbage" | "restart" | "kill" | "latency" | "tokens" | "resumable";
      wait: number;
      size: number;
    }
  | { act: "want"; filters: number[]; wait: number };

const waits = fc.oneof(fc.nat(50), fc.nat(2_000), fc.nat(40_000));
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ act: fc.constant("change" as const), filter: fc.nat(4), wait: waits }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constant("overtake" as const), filter: fc.constantFrom(3, 4), wait: waits }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      act: fc.constantFrom(
        "cut",
        "cut",
        "cut",
        "silence",
        "garbage",
        "restart",
        "kill",
        "latency",
        "tokens",
        "resumable",
      ),
      wait: waits,
      size: fc.nat(400),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant("want" as const),
      filters: fc.uniqueArray(fc.nat(4), { minLength: 1 }),
      wait: waits,
    }),
  },
);

/** Anything up to `most`, the same in every run. */
function latency(most: number): () => number {
  let at = most;
  return () => {
    at = (at * 1_103 + 12_345) % 65_536;
    return at % (most + 1);
  };
}

class World {
  readonly push = testPush({ filtersPerSocket: 2 });
  #live = this.push.start();
  readonly #truth = new Map<string, { at: number; value: unknown }[]>();
  readonly #rows = new Map<string, Row>();
  #sequence = 0;
  checks = 0;
  readonly lies: string[] = [];

  constructor() {
    const { gateway } = this.push;
    gateway.bufferSize = 12;
    gateway.details = { idleTimeout: 90, recoveryTimeout: 100 };
    gateway.latency = latency(300);
    for (const filter of FILTERS) this.#truth.set(filterKey(filter), [{ at: 0, value: "v0" }]);
    this.push.onEvent = (event) => this.#apply(event);
    this.push.onCoverage = () => this.check();
    this.#live.want(FILTERS);
  }

  #now(): number {
    return this.push.clock.now();
  }

  #set(key: string, value: unknown): void {
    this.#truth.get(key)!.push({ at: this.#now(), value });
  }

  #apply(event: PushEvent): void {
    const key = event.kind === "queue" ? `queue:${event.queueId}` : `extension:${event.extensionId}`;
    const value = event.kind === "queue" ? event.members[0]?.acceptCurrentQueueCalls : event.presence.presenceStatus;
    const row = this.#rows.get(key);
    if (value !== undefined) this.#rows.set(key, { value, readAt: row?.readAt ?? 0, toldAt: this.#now() });
    this.check();
  }

  /** Reads what coverage does not carry over from an earlier read; events that come while it lasts are newer, or as new. */
  #read(filter: PushFilter): void {
    const key = filterKey(filter);
    const since = this.#live.coverageOf(filter)?.since;
    if (since === undefined || (this.#rows.get(key)?.readAt ?? -1) >= since) return;
    const { clock, gateway } = this.push;
    const sentAt = this.#now();
    clock.after(gateway.latency(), () => {
      const { value } = this.#truth.get(key)!.at(-1)!;
      clock.after(gateway.latency(), () => {
        const row = this.#rows.get(key);
        if (row && row.readAt > sentAt) return;
        const told = row && row.toldAt >= sentAt;
        this.#rows.set(key, told ? { ...row, readAt: sentAt } : { value, readAt: sentAt, toldAt: row?.toldAt ?? 0 });
      });
    });
  }

  check(): void {
    for (const filter of FILTERS) {
      const key = filterKey(filter);
      const coverage = this.#live.coverageOf(filter);
      const row = this.#rows.get(key);
      if (!coverage || !row || row.readAt < coverage.since) continue;
      this.checks++;
      const truth = this.#truth.get(key)!;
      const { aliveAt } = coverage;
      const possible = truth.filter((_, at) => (truth[at + 1]?.at ?? Number.POSITIVE_INFINITY) >= aliveAt);
      // Not thrown: Push swallows what its listeners throw.
      if (possible.some(({ value }) => value === row.value)) continue;
      this.lies.push(`${key} is ${row.value} at ${this.#now()}, alive at ${aliveAt}: ${JSON.stringify(possible)}`);
    }
  }

  async step(step: Step): Promise<void> {
    const { gateway, clock, saves } = this.push;
    switch (step.act) {
      case "change":
        this.#change(FILTERS[step.filter]!);
        break;
      case "overtake":
        this.#overtake(FILTERS[step.filter]!);
        break;
      case "want":
        this.#live.want(step.filters.map((at) => FILTERS[at]!));
        break;
      case "cut":
      case "silence": {
        const open = gateway.openConnections;
        open[step.size % Math.max(1, open.length)]?.cut(step.act === "cut" ? "clean" : "silent");
        break;
      }
      case "garbage":
        this.#garbage(step.size);
        break;
      case "restart":
      case "kill": {
        const { length } = saves;
        void this.#live.close();
        await clock.advance(0);
        const saved = (step.act === "restart" ? saves.at(-1) : saves[length - 1])?.shards ?? [];
        this.#live = this.push.start(saved);
        this.#live.want(FILTERS);
        break;
      }
      case "latency":
        gateway.latency = latency(step.size);
        break;
      case "tokens":
        gateway.onToken = () =>
          step.size % 2 === 0
            ? undefined
            : Promise.resolve({
                ok: false,
                failure: { reason: "UPSTREAM_RATE_LIMITED", scope: "budget", message: "Cannot" },
                until: this.#now() + step.size * 50,
              });
        break;
      case "resumable":
        gateway.resumable = step.size % 2 === 0;
    }
    for (let left = step.wait, busy = 50; left >= 0; busy--) {
      if (busy > 0) this.#change(FILTERS[(left + busy) % FILTERS.length]!);
      const chunk = Math.min(left, busy > 0 ? 70 : 1_500);
      await clock.advance(chunk);
      this.check();
      for (const filter of FILTERS) this.#read(filter);
      left -= Math.max(chunk, 1);
    }
  }

  close(): void {
    void this.#live.close();
  }

  #change(filter: PushFilter): void {
    const key = filterKey(filter);
    const sequence = ++this.#sequence;
    if (filter.kind === "queue") {
      const value = this.#truth.get(key)!.at(-1)!.value !== true;
      this.#set(key, value);
      this.push.gateway.publish(queuePath(filter.queueId), optIn(MEMBER, value));
    } else if (filter.kind === "extension") {
      this.#set(key, `v${sequence}`);
      this.#publish(filter.extensionId, sequence);
    }
  }

  #publish(extensionId: string, sequence: number): void {
    this.push.gateway.publish(extensionPath(extensionId), { extensionId, presenceStatus: `v${sequence}`, sequence });
  }

  /** Two changes whose events arrive the wrong way round. */
  #overtake(filter: PushFilter): void {
    if (filter.kind !== "extension") return;
    const first = ++this.#sequence;
    const second = ++this.#sequence;
    this.#set(filterKey(filter), `v${first}`);
    this.#set(filterKey(filter), `v${second}`);
    this.#publish(filter.extensionId, second);
    this.#publish(filter.extensionId, first);
  }

  /** Changes whose event cannot be read. */
  #garbage(size: number): void {
    const id = String(1 + (size % 3));
    this.#set(`queue:${id}`, this.#truth.get(`queue:${id}`)!.at(-1)!.value !== true);
    this.push.gateway.publish(
      queuePath(id),
      size % 2 === 0 ? { records: [{ member: {}, acceptCurrentQueueCalls: 1 }] } : {},
    );
  }
}

test("coverageOf() promises nothing but the truth when sockets, tokens, frames and the process fail at random", async () => {
  let checks = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40 }), async (list) => {
      const world = new World();
      await world.push.clock.advance(2_000);
      for (const step of list) await world.step(step);
      expect(world.lies).toEqual([]);
      checks += world.checks;
      world.close();
      await world.push.clock.advance(1_000);
    }),
    { numRuns: 150 },
  );
  expect(checks).toBeGreaterThan(20_000);
}, 120_000);
