import { Code, ConnectError } from "@connectrpc/connect";
import { Verdict } from "../../gen/availability/v1/availability_pb.ts";
import { TestNetwork } from "./test-network.ts";
import { startTestServer, type TestWatch } from "./test-server.ts";
import type { StateSketch } from "./test-states.ts";
import { TestStream } from "./test-stream.ts";
import type { TestWorld } from "./test-world.ts";

/** What the service said of a destination under one version, and the truth about it. Times are of the life's clock. */
export interface Said {
  readonly id: string;
  readonly life: Life;
  readonly sketch: StateSketch;
  /** When it was so: from, and until (infinite while it is). */
  readonly from: number;
  until: number;
}

/** One life of the service has one clock. */
export interface Life {
  readonly name: number;
  readonly now: () => number;
}

/** TestService is a service as the contract has it, for one client that watches everything, with a network that delays. */
export class TestService {
  readonly network: TestNetwork;
  readonly server = startTestServer({ onWatch: (watch) => this.#arrives(watch) });
  /** All that was ever said, by version. */
  readonly said = new Map<bigint, Said>();
  refusing = false;
  /** Push keeps every state current, so that each heartbeat confirms it. */
  pushing = false;
  #blocked = false;
  readonly #world: TestWorld;
  readonly #rate: number;
  readonly #current = new Map<string, Said>();
  /** Ids in the order of their changes, which is what a resume token counts. */
  #changes: string[] = [];
  #streams = new Set<TestStream>();
  #version = 0;
  #life: Life;

  constructor(world: TestWorld, rate: number) {
    this.#world = world;
    this.#rate = rate;
    this.network = new TestNetwork(world);
    this.#life = this.#begin(0, 1_700_000_000_000);
  }

  get now(): number {
    return this.#life.now();
  }

  current(id: string): Said | undefined {
    return this.#current.get(id);
  }

  change(id: string, sketch: StateSketch | undefined): void {
    const before = this.#current.get(id);
    if (before) before.until = this.now;
    if (!before && !sketch) return;
    const version = ++this.#version;
    if (!sketch) this.#current.delete(id);
    else {
      const full = { ...sketch, id, version };
      const said: Said = { id, life: this.#life, sketch: full, from: this.now, until: Number.POSITIVE_INFINITY };
      this.#current.set(id, said);
      this.said.set(BigInt(version), said);
    }
    this.#changes.push(id);
    for (const stream of this.#streams) stream.changed(id);
  }

  /** Observed again without a change; `more` may also move what is no change. */
  confirm(id: string, more: Pick<StateSketch, "observedAt" | "retryAt">): void {
    const said = this.#current.get(id);
    if (!said) return;
    Object.assign(said.sketch, more);
    if (said.sketch.observedAt !== undefined) for (const stream of this.#streams) stream.confirmed.add(id);
  }

  /** What it looked at a quarter of a second ago, or less. */
  confirmAll(): void {
    const observedAt = this.now - (this.now % 250);
    for (const id of this.#current.keys()) this.confirm(id, { observedAt });
  }

  /** Ends every Watch; what was under way is lost. */
  cut(): void {
    for (const stream of this.#streams) stream.cut();
    this.#streams.clear();
  }

  /** Nothing that is under way or sent from now on arrives on the Watches there are. */
  stall(): void {
    for (const stream of this.#streams) stream.line.stalled = true;
  }

  /** Whether the network takes nothing of what the service has to send but what it is told to. */
  set blocked(blocked: boolean) {
    this.#blocked = blocked;
    for (const stream of this.#streams) stream.wake();
  }

  get blocked(): boolean {
    return this.#blocked;
  }

  /** The network takes that many events of every Watch. */
  take(events: number): void {
    for (const stream of this.#streams) for (let event = 0; event < events; event++) stream.sendNext();
  }

  /** Another process with another clock, which knows nothing of what was sent before. */
  restart(clockAhead: number): void {
    this.cut();
    for (const said of this.#current.values()) said.until = this.now;
    const ids = [...this.#current.keys()];
    this.#life = this.#begin(this.#life.name + 1, 1_700_000_000_000 + clockAhead);
    this.#current.clear();
    this.#changes = [];
    for (const id of ids) this.change(id, { verdict: Verdict.UNDECIDED });
  }

  #begin(name: number, origin: number): Life {
    return { name, now: () => origin + this.#world.now * this.#rate };
  }

  #arrives(watch: TestWatch): void {
    this.#world.after(this.network.delayMs(), () => {
      if (watch.over) return;
      if (this.refusing) return watch.end(new ConnectError("draining", Code.Unavailable));
      this.#streams.add(new TestStream(watch, this, this.#world, this.#from(watch.request.resumeToken)));
    });
  }

  /** What a Watch begins with: all, or what changed since its token; undefined when that cannot be honoured. */
  #from(token: string): { resync: boolean; ids: string[] } {
    const [life, position] = token.split(".");
    if (token !== "" && Number(life) === this.#life.name) {
      return { resync: false, ids: [...new Set(this.#changes.slice(Number(position)))] };
    }
    return { resync: token !== "", ids: [...this.#current.keys()] };
  }

  /** A token for everything but what is pending. */
  token(pending: ReadonlySet<string>): string {
    let position = this.#changes.length;
    for (const id of pending) position = Math.min(position, this.#changes.lastIndexOf(id));
    return `${this.#life.name}.${position}`;
  }
}
