import fc from "fast-check";
import { expect, test } from "vitest";
import { parseDocument } from "../../acceptance/document.ts";
import type { PushEvent } from "../push/push-event.ts";
import { Tables } from "./tables.ts";

// A server whose agent is in two queues, events that arrive in order and late, reads that are answered late: whatever the
// order, what the tables say was true after the last event that arrived, and a read is undone by no event before it.

type Field = "a" | "b" | "dnd" | "status";
const FIELDS: readonly Field[] = ["a", "b", "dnd", "status"];
type State = Record<Field, boolean>;
type Source = "queue a" | "queue b" | "extension" | "own list";
const TELLS: Record<Source, readonly Field[]> = {
  "queue a": ["a", "dnd"],
  "queue b": ["b", "dnd"],
  extension: ["dnd", "status"],
  "own list": ["a", "b"],
};
const SOURCES = Object.keys(TELLS) as Source[];

interface Read {
  readonly source: Source;
  readonly sentAt: number;
  saw?: State;
}

class World {
  now = 1_000;
  readonly tables = new Tables({ clock: { now: () => this.now }, accountId: "~", coverageOf: () => undefined });
  /** Every state there was, each until the next began. */
  readonly states: { from: number; state: State }[] = [
    { from: 0, state: { a: true, b: true, dnd: false, status: true } },
  ];
  readonly undelivered: { field: Field; value: boolean; index: number }[] = [];
  readonly under: Read[] = [];
  readonly deliveredAt = new Map<Field, number>();
  readonly newest = new Map<Field, Read>();

  get state(): State {
    return this.states.at(-1)!.state;
  }

  change(field: Field): void {
    const state = { ...this.state, [field]: !this.state[field] };
    this.undelivered.push({ field, value: state[field], index: this.states.length });
    this.states.push({ from: this.now, state });
  }

  deliver(): void {
    const event = this.undelivered.shift();
    if (!event) return;
    this.deliveredAt.set(event.field, this.now);
    this.apply(eventOf(event.field, event.value));
  }

  apply(event: PushEvent): void {
    if (event.kind === "queue") this.tables.optIn(event.queueId, event.members);
    else this.tables.extensionChanged(event.extensionId, event.presence);
  }

  answer(index: number): void {
    const [read] = this.under.splice(index % Math.max(1, this.under.length), 1);
    if (!read) return;
    const { source, sentAt, saw = this.state } = read;
    read.saw = saw;
    if (source === "queue a" || source === "queue b") {
      const queue = source === "queue a" ? "a" : "b";
      const record = { member: { id: "1" }, acceptQueueCalls: !saw.dnd, acceptCurrentQueueCalls: saw[queue] };
      const parsed = parseDocument(JSON.stringify({ records: [record] }));
      if (parsed.ok) this.tables.queueRead(queue, parsed.document, sentAt);
    } else if (source === "extension") {
      this.tables.extensionsRead([{ extensionId: "1", presence: presenceOf(saw) }], sentAt);
    } else this.tables.agentQueuesRead("1", new Map([["a", saw.a], ["b", saw.b]]), sentAt); // biome-ignore format: a table
    for (const field of TELLS[source]) {
      // An agent's own list makes no queue known.
      if (source === "own list" && !this.tables.compose(field, "QUEUE")) continue;
      if (sentAt >= (this.newest.get(field)?.sentAt ?? 0)) this.newest.set(field, read);
    }
  }

  /** What the tables say. */
  shown(): Partial<State>[] {
    return (["a", "b"] as const).flatMap((queue) => {
      const record = this.tables.compose(queue, "QUEUE_AND_EXTENSION")?.document.records[0];
      if (!record) return [];
      const { acceptCurrentQueueCalls, acceptQueueCalls, presenceStatus } = record;
      return {
        ...(acceptCurrentQueueCalls !== undefined && { [queue]: acceptCurrentQueueCalls === true }),
        ...(acceptQueueCalls !== undefined && { dnd: acceptQueueCalls === false }),
        ...(presenceStatus !== undefined && { status: presenceStatus === "Available" }),
      };
    });
  }

  /** What the tables say that was not true any more when the last event that came was sent. */
  outlived(): string[] {
    const found: string[] = [];
    for (const shown of this.shown()) {
      for (const field of FIELDS) {
        const value = shown[field];
        if (value === undefined) continue;
        const missing = this.undelivered.find((event) => event.field === field);
        const since = missing === undefined ? this.states.length - 1 : missing.index - 1;
        if (!this.states.slice(since).some(({ state }) => state[field] === value)) found.push(field);
      }
    }
    return found;
  }

  /** Where no event came since the newest read of a field was sent, the tables say what that read saw; else it was undone. */
  undone(): string[] {
    const found: string[] = [];
    const of = (queue: "a" | "b") => this.tables.compose(queue, "QUEUE_AND_EXTENSION")?.document.records[0];
    for (const queue of ["a", "b"] as const) {
      const read = this.newest.get(queue);
      const record = of(queue);
      if (!read?.saw || !record || (this.deliveredAt.get(queue) ?? 0) >= read.sentAt) continue;
      if (record.acceptCurrentQueueCalls !== read.saw[queue]) found.push(queue);
    }
    const status = this.newest.get("status");
    const record = of("a");
    if (status?.saw && record && (this.deliveredAt.get("status") ?? 0) < status.sentAt) {
      if ((record.presenceStatus === "Available") !== status.saw.status) found.push("status");
    }
    return found;
  }
}

function presenceOf({ dnd, status }: State) {
  return {
    dndStatus: dnd ? "DoNotAcceptDepartmentCalls" : "TakeAllCalls",
    presenceStatus: status ? "Available" : "Busy",
  };
}

function eventOf(field: Field, value: boolean): PushEvent {
  if (field === "a" || field === "b") {
    return { kind: "queue", queueId: field, members: [{ extensionId: "1", acceptCurrentQueueCalls: value }] };
  }
  const { dndStatus, presenceStatus } = presenceOf({ a: true, b: true, dnd: value, status: value });
  const presence = field === "dnd" ? { dndStatus } : { presenceStatus };
  return { kind: "extension", extensionId: "1", presence, sequence: undefined };
}

const step = fc.record({
  wait: fc.integer({ min: 0, max: 1 }),
  act: fc.oneof(
    fc.record({ kind: fc.constant("change" as const), field: fc.constantFrom(...FIELDS) }),
    fc.record({ kind: fc.constant("deliver" as const) }),
    fc.record({ kind: fc.constant("send" as const), source: fc.constantFrom(...SOURCES) }),
    fc.record({ kind: fc.constant("serve" as const), index: fc.nat(5) }),
    fc.record({ kind: fc.constant("answer" as const), index: fc.nat(5) }),
  ),
});

test("Tables lose no event and let no older one undo a read, in whatever order they come", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const { wait, act } of steps) {
        world.now += wait;
        if (act.kind === "change") world.change(act.field);
        if (act.kind === "deliver") world.deliver();
        // No two reads are sent at once, or it would be open which is newer.
        if (act.kind === "send") world.under.push({ source: act.source, sentAt: ++world.now });
        if (act.kind === "serve") {
          const read = world.under[act.index];
          if (read) read.saw ??= world.state;
        }
        if (act.kind === "answer") world.answer(act.index);
        expect({ outlived: world.outlived(), undone: world.undone() }).toEqual({ outlived: [], undone: [] });
      }
      while (world.undelivered.length > 0) world.deliver();
      expect(world.outlived()).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
});
