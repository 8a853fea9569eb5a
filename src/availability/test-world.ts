import { type CriteriaSpec, compileCriteria, defaultCriteria } from "../acceptance/criteria.ts";
import { createEvaluator } from "../acceptance/evaluate.ts";
import type { FailurePolicy } from "../destinations/compile.ts";
import type { Override } from "../destinations/override-record.ts";
import type { AskableDestination, DestinationEntry } from "../destinations/registry.ts";
import type { CompiledSchedule } from "../destinations/schedule.ts";
import { Secret } from "../lib/secret.ts";
import { TestClock } from "../lib/test-clock.ts";
import { Presence } from "../presence/presence.ts";
import { pastedTokens } from "../presence/test-presence.ts";
import { TestPush } from "../presence/test-push.ts";
import { TestReader } from "../presence/test-reader.ts";
import { Budgets } from "../ringcentral/calls/budgets.ts";
import { connectionSource } from "../ringcentral/connection-source.ts";
import { Connections } from "../ringcentral/connections.ts";
import { questionOf } from "../ringcentral/question.ts";
import { BackOffs } from "../upstream/backoff.ts";
import type { Answer } from "./answer.ts";
import { Board } from "./board.ts";
import { type Caller, type CheckQuery, createCheck } from "./check.ts";
import { Hub } from "./hub.ts";
import type { Standing, StandingDeps } from "./standing.ts";
import { streamed } from "./test-watch.ts";
import { createWatch, type WatchQuery } from "./watch.ts";
import type { WatchEvent } from "./watch-event.ts";

/** What a test configures of a destination. */
export interface Configured {
  readonly queueId: string;
  readonly token: string;
  readonly onlyExtensions: readonly string[];
  readonly criteria: CriteriaSpec;
  readonly maxAgeMs: number;
  readonly timeoutMs: number;
  readonly failure: FailurePolicy;
  readonly labels: Readonly<Record<string, string>>;
  readonly disabled: boolean;
  readonly schedule: CompiledSchedule | undefined;
  /** Why it does not compile; empty when it does. */
  readonly invalid: string;
}

const DEFAULTS: Configured = {
  queueId: "1",
  token: "t0ken",
  onlyExtensions: [],
  criteria: defaultCriteria,
  maxAgeMs: 10_000,
  timeoutMs: 10_000,
  failure: { onUndecided: "LAST_KNOWN", lastKnownLimitMs: 30_000 },
  labels: {},
  disabled: false,
  schedule: undefined,
  invalid: "",
};

/** A Check under way: what came of it, as soon as it is known. */
export interface TestCheck {
  answer: Answer | undefined;
  error: unknown;
}

/** A Watch that reads as fast as it can. */
export interface TestWatch {
  readonly events: (WatchEvent & { readonly resumeToken: string })[];
  ended: boolean;
  end(): void;
}

/** At least that many agents accept the queue's calls. */
export function atLeast(value: number): CriteriaSpec {
  return { ...defaultCriteria, condition: "GREATER_THAN_OR_EQUAL", value };
}

const NO_HISTORY = { changed() {}, removed() {}, checked() {} };

/** The rooms that make an answer, as app.ts puts them together, over a reader that the test answers. */
export function startWorld(given: { evaluate?: StandingDeps["evaluate"]; push?: boolean } = {}) {
  const clock = new TestClock();
  const reader = new TestReader(clock);
  const backOffs = new BackOffs();
  const connections = new Connections({
    clock,
    backOffs,
    http: reader,
    budgets: new Budgets(clock),
    tokens: pastedTokens,
  });
  const push = new TestPush(clock);
  const presence = new Presence({ clock, backOffs, connections: given.push ? push.over(connections) : connections });
  const hub = new Hub();
  const proven = new Map<string, bigint>();
  const overrides = new Map<string, Override>();
  const question = ({ queue, detail, access }: AskableDestination) => {
    if (access.kind === "connection") throw new Error("Cannot ask over a named connection here");
    return questionOf(queue, detail, connectionSource(new Uint8Array(32), queue.origin, access));
  };
  const board = new Board({
    clock,
    overrides,
    presence,
    hub,
    history: NO_HISTORY,
    evaluate: given.evaluate ?? createEvaluator({ clock }).evaluate,
    question,
    onProven: (entry) => proven.set(entry.id, entry.templateRevision),
  });
  const check = createCheck({ clock, board, link: () => undefined, history: NO_HISTORY });
  const watch = streamed(createWatch({ clock, hub, board }));
  const configured = new Map<string, { settings: Configured; revision: bigint; templateRevision: bigint }>();

  return {
    clock,
    start: clock.now(),
    reader,
    push,
    presence,
    question,
    hub,
    board,
    proven,
    watch,

    /** Sets or ends an override, as Overrides would tell. */
    override(id: string, override: Override | undefined): void {
      if (override) overrides.set(id, override);
      else overrides.delete(id);
      board.overrideChanged(id);
    },

    /** Configures a destination: what is not given stays as it was. */
    configure(id: string, changes: Partial<Configured> = {}): DestinationEntry {
      const before = configured.get(id);
      const settings = { ...DEFAULTS, ...before?.settings, ...changes };
      const revision = (before?.revision ?? 0n) + 1n;
      const template = ({ queueId, token, onlyExtensions }: Configured) =>
        JSON.stringify([queueId, token, onlyExtensions]);
      const same = before && template(before.settings) === template(settings);
      const templateRevision = same ? before.templateRevision : revision;
      configured.set(id, { settings, revision, templateRevision });
      const entry: DestinationEntry = {
        id,
        revision,
        templateRevision,
        credentialRevision: 0n,
        labels: settings.labels,
        disabled: settings.disabled,
        message: {} as DestinationEntry["message"], // for those who read configurations back
        compiled: settings.invalid ? undefined : compiled(settings),
        invalid: settings.invalid,
        proven: proven.get(id) === templateRevision,
      };
      board.put(entry);
      return entry;
    },

    remove(id: string): void {
      board.remove(id);
    },

    standing(id: string): Standing {
      return board.get(id)!;
    },

    /** The watched state. */
    state(id: string): Answer {
      return board.get(id)!.current;
    },

    /** Checks, with a deadline in `left` ms and a signal where the test gives them. */
    check(
      id: string,
      query: Partial<CheckQuery> = {},
      caller: { left?: number; signal?: AbortSignal } = {},
    ): TestCheck {
      const asked: TestCheck = { answer: undefined, error: undefined };
      const from: Caller = { timeoutMs: () => caller.left, signal: caller.signal ?? new AbortController().signal };
      try {
        const answer = check({ destinationId: id, maxAgeMs: undefined, maxWaitMs: undefined, ...query }, from);
        if (!(answer instanceof Promise)) asked.answer = answer;
        else void answer.then((late) => (asked.answer = late)).catch((error) => (asked.error = error));
      } catch (error) {
        asked.error = error;
      }
      return asked;
    },

    /** Watches everything, or what the query says, and reads as fast as it can. */
    watching(query: Partial<WatchQuery> = {}): TestWatch {
      const ending = new AbortController();
      const watched: TestWatch = { events: [], ended: false, end: () => ending.abort() };
      const stream = watch({ ...EVERYTHING, ...query }, ending.signal);
      void (async () => {
        for await (const { event, resumeToken } of stream) watched.events.push({ ...event, resumeToken });
        watched.ended = true;
      })();
      return watched;
    },

    close(): void {
      board.close();
      presence.close();
    },
  };
}

export const EVERYTHING: WatchQuery = {
  destinationIds: [],
  selector: {},
  resumeToken: "",
  heartbeatMs: 15_000,
  passive: false,
};

function compiled(settings: Configured): NonNullable<DestinationEntry["compiled"]> {
  const { queueId, token, onlyExtensions, criteria: spec, maxAgeMs, timeoutMs, failure, schedule } = settings;
  const result = compileCriteria(spec, { field: "acceptance", onlyExtensions, detail: "QUEUE" });
  if ("violations" in result) throw new Error(result.violations[0]?.description);
  return {
    queue: { origin: "https://platform.ringcentral.com", accountId: "~", queueId, onlyExtensions },
    criteria: result.criteria,
    detail: "QUEUE",
    spec,
    timeoutMs,
    maxAgeMs,
    failure,
    schedule,
    access: { kind: "bearer_token", token: new Secret(token) },
  };
}
