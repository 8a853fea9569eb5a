import { hasLabels } from "../destinations/selection.ts";
import type { Clock } from "../lib/clock.ts";
import type { Answer } from "./answer.ts";
import type { Board, Selection } from "./board.ts";
import type { Hub, HubListener } from "./hub.ts";
import type { Standing } from "./standing.ts";
import type { WatchEvent } from "./watch-event.ts";
import type { WatchedSet } from "./watched-set.ts";

interface WatcherDeps {
  readonly clock: Clock;
  readonly hub: Hub;
  readonly board: Pick<Board, "get" | "all" | "removedVersion">;
  readonly heartbeatMs: number;
  /** Called when there may be something to take. */
  readonly wake: () => void;
}

// Thousands of streams may watch thousands of destinations: what push keeps current is looked through this often at most.
const LOOK_AGAIN_MS = 250;

/**
 * Watcher is one stream's place in the changes. It keeps which destinations changed, never what they changed to: the
 * newest state is looked up when it can be sent, so a slow reader gets less, later, and holds up nobody.
 */
export class Watcher implements HubListener {
  readonly #set: WatchedSet;
  readonly #deps: WatcherDeps;
  /** Changed and not sent yet, with the position of the first change not sent; oldest first. */
  readonly #pending = new Map<string, number>();
  /** Observed again without a change since the last heartbeat; undefined when nothing was. */
  #confirmed: Set<string> | undefined;
  /** Under a selector: the destinations that the client may hold, to tell when one no longer is selected. */
  readonly #held: Set<string> | undefined;
  readonly #unsubscribe: () => void;
  #heartbeatDue = false;
  #changeFirst = false;
  #cancelHeartbeat: () => void;

  constructor(set: WatchedSet, deps: WatcherDeps) {
    this.#set = set;
    this.#held = "selector" in set.selection ? new Set() : undefined;
    this.#deps = deps;
    this.#unsubscribe = deps.hub.subscribe(this, set.selection);
    this.#cancelHeartbeat = this.#startHeartbeat();
  }

  get #selection(): Selection {
    return this.#set.selection;
  }

  /** Every watched change up to here was handed out. */
  get position(): number {
    for (const first of this.#pending.values()) return first - 1;
    return this.#deps.hub.position;
  }

  changed(destinationId: string, position: number): void {
    if (this.#pending.has(destinationId)) return;
    this.#pending.set(destinationId, position);
    this.#deps.wake();
  }

  confirmed(destinationId: string): void {
    if (this.#held?.has(destinationId) === false) return;
    this.#confirmed ??= new Set();
    this.#confirmed.add(destinationId);
  }

  /** The whole state as it is when each event is taken. */
  *initial(): Generator<WatchEvent> {
    const { board } = this.#deps;
    const ids = "ids" in this.#selection ? this.#selection.ids : [...board.all()].map(({ entry }) => entry.id);
    for (const destinationId of ids) {
      // What changed while earlier events were sent is in this event; it is not owed again.
      this.#pending.delete(destinationId);
      const standing = board.get(destinationId);
      if (standing && this.#selects(standing)) yield this.#state(standing);
      else if ("ids" in this.#selection) yield { kind: "unknown", destinationId };
    }
  }

  /** What a client missed that was told of every change up to `position`, as it is when each event is taken. */
  *missed(position: number): Generator<WatchEvent> {
    const { marks } = this.#deps.hub;
    if ("selector" in this.#selection) {
      for (const destinationId of marks.heldSince(position, this.#selection.selector)) this.#held?.add(destinationId);
    }
    // What changes while these are sent goes the way of every change.
    for (const destinationId of [...marks.changedSince(position)]) {
      if (!this.#watches(destinationId)) continue;
      this.#pending.delete(destinationId);
      const event = this.#change(destinationId);
      if (event) yield event;
    }
  }

  /** The next event, if there is one now. */
  take(): WatchEvent | undefined {
    // By turns, so that neither many changes nor a reader slower than the heartbeats starve the other.
    const event = this.#changeFirst
      ? (this.#nextChange() ?? this.#heartbeat())
      : (this.#heartbeat() ?? this.#nextChange());
    this.#changeFirst = event?.kind === "heartbeat";
    return event;
  }

  close(): void {
    this.#unsubscribe();
    this.#cancelHeartbeat();
  }

  #nextChange(): WatchEvent | undefined {
    for (const [destinationId] of this.#pending) {
      this.#pending.delete(destinationId);
      const event = this.#change(destinationId);
      if (event) return event;
    }
    return undefined;
  }

  #change(destinationId: string): WatchEvent | undefined {
    const { board } = this.#deps;
    const standing = board.get(destinationId);
    this.#confirmed?.delete(destinationId);
    if (standing && this.#selects(standing)) return this.#state(standing);
    if (this.#held?.delete(destinationId) === false) return undefined;
    const version = standing ? standing.current.version : board.removedVersion(destinationId);
    return { kind: "removed", destinationId, version };
  }

  #state(standing: Standing): WatchEvent {
    this.#held?.add(standing.entry.id);
    this.#confirmed?.delete(standing.entry.id);
    return { kind: "availability", answer: standing.current };
  }

  #heartbeat(): WatchEvent | undefined {
    if (!this.#heartbeatDue) return undefined;
    this.#heartbeatDue = false;
    const serverTime = this.#deps.clock.now();
    const confirmed = this.#confirmedSince(serverTime);
    this.#confirmed = undefined;
    return { kind: "heartbeat", serverTime, confirmed, upToDate: this.#pending.size === 0 };
  }

  /** The states that were seen again and are sent: one that is not cannot be confirmed to this client. */
  #confirmedSince(now: number): readonly Answer[] {
    const pushed = this.#pushed(now);
    if (!this.#confirmed && this.#pending.size === 0) return pushed;
    const confirmed: Answer[] = [];
    for (const destinationId of this.#confirmed ?? []) {
      const standing = this.#deps.board.get(destinationId);
      if (standing && !this.#pending.has(destinationId)) confirmed.push(standing.current);
    }
    const isOpen = (id: string) => !this.#confirmed?.has(id) && !this.#pending.has(id);
    return [...confirmed, ...pushed.filter(({ destinationId }) => isOpen(destinationId))];
  }

  /** What push keeps current: that is confirmed by every sign of life, which is not told one by one. */
  #pushed(now: number): readonly Answer[] {
    const known = this.#set.pushed;
    if (known && now - known.at < LOOK_AGAIN_MS) return known.states;
    const states: Answer[] = [];
    for (const { current } of this.#watched()) if (current.source === "PUSH") states.push(current);
    this.#set.pushed = { at: now, states };
    return states;
  }

  *#watched(): Iterable<Standing> {
    const { board } = this.#deps;
    const selection = this.#selection;
    if ("selector" in selection) {
      for (const standing of board.all()) if (this.#selects(standing)) yield standing;
      return;
    }
    for (const id of selection.ids) {
      const standing = board.get(id);
      if (standing) yield standing;
    }
  }

  #startHeartbeat(): () => void {
    return this.#deps.clock.after(this.#deps.heartbeatMs, () => {
      this.#heartbeatDue = true;
      this.#cancelHeartbeat = this.#startHeartbeat();
      this.#deps.wake();
    });
  }

  #watches(destinationId: string): boolean {
    return "ids" in this.#selection ? this.#selection.ids.has(destinationId) : true;
  }

  #selects(standing: Standing): boolean {
    if ("ids" in this.#selection) return true;
    // Labels count from the change that says so, as for everybody who resumes: its state may be judged anew before that.
    return hasLabels(this.#deps.hub.marks.labels(standing.entry.id), this.#selection.selector);
  }
}
