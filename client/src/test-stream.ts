import { Code, ConnectError } from "@connectrpc/connect";
import type { TestNetwork } from "./test-network.ts";
import type { TestWatch } from "./test-server.ts";
import { heartbeat, type StateSketch, state, synced } from "./test-states.ts";
import type { TestWorld } from "./test-world.ts";

/** What a stream asks its service. */
interface Streaming {
  readonly now: number;
  readonly network: TestNetwork;
  readonly blocked: boolean;
  readonly pushing: boolean;
  current(id: string): { readonly sketch: StateSketch } | undefined;
  confirmAll(): void;
  token(pending: ReadonlySet<string>): string;
}

/** One Watch on the service's side: it sends what is newest when it can be sent, changes and heartbeats by turns. */
export class TestStream {
  readonly confirmed = new Set<string>();
  readonly line: ReturnType<TestNetwork["open"]>;
  readonly #service: Streaming;
  readonly #pending = new Set<string>();
  readonly #first: string[];
  readonly #watch: TestWatch;
  #endHeartbeats = () => {};
  #synced = false;
  #heartbeatDue = false;
  #changeFirst = false;

  constructor(watch: TestWatch, service: Streaming, world: TestWorld, first: { resync: boolean; ids: string[] }) {
    this.#watch = watch;
    this.#service = service;
    this.#first = first.ids;
    this.line = service.network.open(watch);
    if (first.resync) this.line.send({ case: "resync", value: {} });
    const everyMs = Number(watch.request.heartbeatInterval!.seconds) * 1000;
    const beat = () => {
      if (watch.over) return;
      this.#endHeartbeats = world.after(everyMs, beat);
      this.#heartbeatDue = true;
      this.wake();
    };
    this.#endHeartbeats = world.after(everyMs, beat);
    this.wake();
  }

  changed(id: string): void {
    this.#pending.add(id);
    this.confirmed.delete(id);
    this.wake();
  }

  wake(): void {
    while (!this.#service.blocked && this.sendNext());
  }

  cut(): void {
    this.#endHeartbeats();
    this.line.stalled = true;
    this.#watch.end(new ConnectError("cut", Code.Unavailable));
  }

  /** Sends one event if there is one. */
  sendNext(): boolean {
    if (this.#watch.over) return false;
    const first = this.#first.shift();
    if (first !== undefined) {
      // What changed since is in this event.
      this.#pending.delete(first);
      this.#sendState(first, "");
    } else if (!this.#synced) {
      this.#synced = true;
      this.line.send(synced(this.#service.now), this.#token);
    } else {
      const sent = this.#changeFirst
        ? this.#sendChange() || this.#sendHeartbeat()
        : this.#sendHeartbeat() || this.#sendChange();
      return sent;
    }
    return true;
  }

  get #token(): string {
    return this.#service.token(this.#pending);
  }

  #sendChange(): boolean {
    for (const id of this.#pending) {
      this.#pending.delete(id);
      this.#changeFirst = false;
      this.#sendState(id, this.#token);
      return true;
    }
    return false;
  }

  #sendHeartbeat(): boolean {
    if (!this.#heartbeatDue) return false;
    this.#heartbeatDue = false;
    this.#changeFirst = true;
    if (this.#service.pushing) this.#service.confirmAll();
    const fresh = [...this.confirmed].map((id) => this.#service.current(id)!.sketch);
    const confirmed = fresh.map(({ id, version, observedAt }) => [id!, version!, observedAt!] as const);
    this.confirmed.clear();
    const upToDate = this.#pending.size === 0;
    this.line.send(heartbeat(this.#service.now, confirmed, { upToDate }), this.#token);
    return true;
  }

  #sendState(id: string, token: string): void {
    const said = this.#service.current(id);
    this.confirmed.delete(id);
    if (said) this.line.send(state(said.sketch), token);
    else this.line.send({ case: "removed", value: { destinationId: id, version: 0n } }, token);
  }
}
