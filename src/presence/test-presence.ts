import { TestClock } from "../lib/test-clock.ts";
import { Budgets } from "../ringcentral/calls/budgets.ts";
import type { ConnectionSource } from "../ringcentral/connection-source.ts";
import { Connections } from "../ringcentral/connections.ts";
import type { Question } from "../ringcentral/question.ts";
import { createPastedToken } from "../ringcentral/tokens/pasted-token.ts";
import type { TokenSource } from "../ringcentral/tokens/token-source.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { BackOffs } from "../upstream/backoff.ts";
import type { Member } from "./member.ts";
import { Presence } from "./presence.ts";
import type { QuestionReads } from "./question-reads.ts";
import type { ReadOutcome, Snapshot } from "./snapshot.ts";
import { TestPush } from "./test-push.ts";
import { question, TestReader } from "./test-reader.ts";

/** A destination as its question sees it: it counts how often it was told. */
export interface TestMember extends Member {
  told: number;
  readonly calls: UpstreamCall[];
}

export function member(maxAgeMs = 10_000, timeoutMs = 10_000): TestMember {
  return {
    maxAgeMs,
    timeoutMs,
    asking: true,
    dependsOn: ["optIn"],
    told: 0,
    calls: [],
    onRead() {
      this.told++;
    },
    onCall(call) {
      this.calls.push(call);
    },
  };
}

/** How new each part of a queue's presence is that was read at `at`, Unix milliseconds, and is not kept current. */
export function observedByRead(at: number): Snapshot["observed"] {
  const part = { at, coverages: [] };
  return { answer: part, optIn: part, doNotDisturb: part, extension: part };
}

/** A caller who waits in ask(): what came of it, as soon as it is known. */
export interface TestCaller {
  outcome: ReadOutcome | undefined;
}

/** The tokens of credentials that are nothing but a token. */
export function pastedTokens({ access }: ConnectionSource): TokenSource {
  if (access.kind !== "bearer_token") throw new Error(`Cannot use a ${access.kind} here`);
  return createPastedToken(access.token);
}

/** Presence over a reader that the test answers, at a clock that the test moves. */
export function startPresence(given: { tokens?: (source: ConnectionSource) => TokenSource; push?: boolean } = {}) {
  const clock = new TestClock();
  const start = clock.now();
  const reader = new TestReader(clock);
  const backOffs = new BackOffs();
  const connections = new Connections({
    clock,
    backOffs,
    http: reader,
    budgets: new Budgets(clock),
    tokens: given.tokens ?? pastedTokens,
  });
  const push = new TestPush(clock);
  const presence = new Presence({ clock, backOffs, connections: given.push ? push.over(connections) : connections });
  return {
    clock,
    start,
    reader,
    backOffs,
    connections,
    push,
    presence,
    /** A question that one destination asks. */
    asked(of: Question = question(), by: Member = member()): QuestionReads {
      return presence.attach(of, by);
    },
    /** Asks as a Check does that arrives now: 0 = for a read sent after that. */
    ask(reads: QuestionReads, given: { maxAgeMs?: number; waitMs?: number; timeoutMs?: number } = {}): TestCaller {
      const { maxAgeMs = 0, timeoutMs = 10_000, waitMs = timeoutMs } = given;
      const arrival = clock.now();
      const caller: TestCaller = { outcome: undefined };
      const asked = reads.ask({
        lateEnough: (sentAt) => (maxAgeMs === 0 ? sentAt > arrival : sentAt >= arrival - maxAgeMs),
        notBefore: arrival - maxAgeMs,
        answerBy: arrival + waitMs,
        endsAt: arrival + timeoutMs,
        link: undefined,
      });
      void asked.then((outcome) => {
        caller.outcome = outcome;
      });
      return caller;
    },
  };
}
