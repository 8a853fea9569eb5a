import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../lib/clock.ts";
import type { Warning } from "../lib/errors.ts";
import { Turn } from "../ringcentral/calls/turn.ts";
import type { Connection } from "../ringcentral/connection.ts";
import type { ConnectionStatus } from "../ringcentral/connection-status.ts";
import type { Connections } from "../ringcentral/connections.ts";
import type { Question } from "../ringcentral/question.ts";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import type { BackOffs } from "../upstream/backoff.ts";
import { BudgetDemand } from "./budget-demand.ts";
import { ConnectionQuestions } from "./connection-questions.ts";
import { reportOn } from "./connection-report.ts";
import { demandWarning } from "./demand-warning.ts";
import type { Member } from "./member.ts";
import { probe } from "./probe.ts";
import { QuestionReads } from "./question-reads.ts";
import { Read } from "./read.ts";
import type { ReadOutcome } from "./snapshot.ts";

interface PresenceDeps {
  readonly clock: Clock;
  readonly backOffs: Pick<BackOffs, "open" | "blocked" | "succeeded" | "forgive">;
  readonly connections: Pick<Connections, "open" | "release">;
}

/** Presence holds the reads of every question that some destination asks. */
export class Presence {
  readonly #deps: PresenceDeps;
  readonly #questions = new Map<string, QuestionReads>();
  /** By connection key. */
  readonly #connections = new Map<string, ConnectionQuestions>();
  readonly #demand: BudgetDemand;
  readonly #probes = new Set<Read>();

  constructor(deps: PresenceDeps) {
    this.#deps = deps;
    this.#demand = new BudgetDemand(deps.clock, () => this.#connections.values());
  }

  /** A destination asks this question from now on. */
  attach(question: Question, member: Member): QuestionReads {
    const reads = this.#questions.get(question.key) ?? this.#open(question);
    this.#alter(reads, () => reads.demand.members.add(member));
    return reads;
  }

  /** A destination no longer asks; a question that nobody asks is forgotten, after the read that may be under way. */
  detach(reads: QuestionReads, member: Member): void {
    this.#alter(reads, () => reads.demand.members.delete(member));
    this.#forgetUnasked(reads);
  }

  /** A destination asks other things of its question now, or nothing for a while. */
  changed(reads: QuestionReads): void {
    this.#bearsOn(reads);
    reads.schedule();
  }

  /** How a connection is doing. */
  report(connection: Connection): ConnectionStatus {
    const { backOffs, clock } = this.#deps;
    const asked = this.#connections.get(connection.key);
    return reportOn(connection, asked && this.#demand.on(asked), { backOffs, now: clock.now() });
  }

  /** What is to be expected of a question where its connection is asked for more than RingCentral allows. */
  demandWarnings({ question }: QuestionReads, field: string): readonly Warning[] {
    const asked = this.#connections.get(question.source.key);
    if (!asked || asked.connection.push?.state === "LIVE") return [];
    const warning = demandWarning(this.#demand.on(asked), field);
    return warning ? [warning] : [];
  }

  /** Asks a question once, aside from everything, until `endsAt`, Unix milliseconds; see probe(). */
  async probe(question: Question, until: { endsAt: number; link: SpanContext | undefined }): Promise<ReadOutcome> {
    const { clock, connections } = this.#deps;
    const connection = connections.open(question.source);
    const members = this.#questions.get(question.key)?.demand.members ?? [];
    const turn = new Turn("check");
    const read = new Read(clock, turn);
    read.join({ ...until, notBefore: clock.now() });
    this.#probes.add(read);
    const onAttempt = (call: UpstreamCall) => {
      for (const member of members) member.onCall(call);
    };
    const freeAt = () => connection.budget("light").freeAt(turn);
    const now = () => clock.now();
    const outcome = await probe(question, read, { reader: connection.aside, freeAt, now, onAttempt });
    this.#probes.delete(read);
    connections.release(connection);
    return outcome;
  }

  close(): void {
    this.#demand.close();
    for (const read of this.#probes) read.stop();
    for (const asked of this.#connections.values()) {
      asked.close();
      for (const reads of asked) {
        reads.stop();
        this.#deps.connections.release(asked.connection);
      }
    }
    this.#questions.clear();
    this.#connections.clear();
  }

  #open(question: Question): QuestionReads {
    const { connections, ...deps } = this.#deps;
    const connection = connections.open(question.source);
    const asked = this.#connections.get(connection.key) ?? this.#openConnection(connection);
    const reads: QuestionReads = new QuestionReads(question, {
      ...deps,
      reader: {
        ...connection.presence,
        read: (asked, options) =>
          connection.presence.read(asked, { ...options, byAgents: () => this.#demand.byAgents(reads, connection) }),
        outdated: (asked) => connection.presence.outdated(asked) || this.#demand.membersDue(reads, connection),
      },
      keys: () => connection.backOffKeys("light"),
      freeAt: (turn) => connection.budget("light").freeAt(turn),
      interval: (self) => this.#demand.intervalMs(self, connection),
      onDemand: () => this.#bearsOn(reads),
      onIdle: (self) => this.#forgetUnasked(self),
    });
    asked.add(reads);
    this.#questions.set(question.key, reads);
    return reads;
  }

  #openConnection(connection: Connection): ConnectionQuestions {
    const onToken = () => this.#demand.regroup();
    const asked = new ConnectionQuestions(connection, { clock: this.#deps.clock, onToken });
    this.#connections.set(connection.key, asked);
    this.#demand.regroup();
    return asked;
  }

  /** Nothing is counted anew for a question that nobody wants read: at a start that is every one of thousands. */
  #alter(reads: QuestionReads, act: () => void): void {
    const before = reads.demand.present;
    act();
    if (before || reads.demand.present) this.#bearsOn(reads);
    else this.#connections.get(reads.question.source.key)?.changed();
    reads.schedule();
  }

  #bearsOn({ question }: QuestionReads): void {
    const asked = this.#connections.get(question.source.key);
    if (!asked) return;
    this.#demand.changed(asked.connection);
    asked.changed();
  }

  // Not while a read is under way: asked again, the question must not be read twice at a time.
  #forgetUnasked(reads: QuestionReads): void {
    const { key, source } = reads.question;
    if (reads.demand.members.size > 0 || reads.reading || this.#questions.get(key) !== reads) return;
    this.#questions.delete(key);
    const asked = this.#connections.get(source.key)!;
    asked.delete(reads);
    if (asked.size === 0) {
      asked.close();
      this.#connections.delete(source.key);
      this.#demand.regroup();
    }
    this.#deps.connections.release(asked.connection);
  }
}
