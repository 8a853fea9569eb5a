import type { Overrides } from "../destinations/overrides.ts";
import type { AskableDestination, DestinationEntry } from "../destinations/registry.ts";
import type { Presence } from "../presence/presence.ts";
import type { Question } from "../ringcentral/question.ts";
import { availabilityChanged } from "../telemetry/events.ts";
import { nextVersion } from "./answer.ts";
import type { History } from "./history.ts";
import type { Hub } from "./hub.ts";
import { Interest } from "./interest.ts";
import { Standing, type StandingDeps } from "./standing.ts";

type BoardDeps = Pick<StandingDeps, "clock" | "evaluate" | "onProven"> & {
  readonly presence: Pick<Presence, "attach" | "detach" | "changed">;
  readonly hub: Pick<Hub, "changed" | "removed" | "confirmed">;
  readonly overrides: Pick<Overrides, "get">;
  readonly history: Pick<History, "changed" | "removed">;
  readonly question: (destination: AskableDestination) => Question;
};

/** What a watcher selects: some ids, or everything with these labels. */
export type Selection = { readonly ids: ReadonlySet<string> } | { readonly selector: Readonly<Record<string, string>> };

/** Board holds where every destination stands, and ties it to its question's reads. */
export class Board {
  readonly #deps: BoardDeps;
  readonly #standings = new Map<string, Standing>();
  readonly #watched = new Set<Standing>();
  readonly #interest = new Interest();
  /** Versions of removals: a destination that comes again counts on from there. */
  readonly #removed = new Map<string, bigint>();

  constructor(deps: BoardDeps) {
    this.#deps = deps;
  }

  get(destinationId: string): Standing | undefined {
    return this.#standings.get(destinationId);
  }

  all(): IterableIterator<Standing> {
    return this.#standings.values();
  }

  /** The version of a destination's removal; 0 when it was never here. */
  removedVersion(destinationId: string): bigint {
    return this.#removed.get(destinationId) ?? 0n;
  }

  /** A destination was configured or loaded. */
  put(entry: DestinationEntry): void {
    const known = this.#standings.get(entry.id);
    if (known) {
      this.#wire(known, entry);
      return;
    }
    const standing = this.#create(entry);
    this.#wire(standing, entry);
    // Nobody is told of what it was before it knew what is known already.
    this.#standings.set(entry.id, standing);
    this.#deps.history.changed(standing.current, this.#deps.clock.now());
    this.#deps.hub.changed(entry.id, entry.labels);
  }

  /** An override began or ended. */
  overrideChanged(destinationId: string): void {
    const standing = this.#standings.get(destinationId);
    if (standing) this.#bringUpToDate(standing);
  }

  remove(destinationId: string): void {
    const standing = this.#standings.get(destinationId);
    if (!standing) return;
    this.#unwatch(standing);
    if (standing.reads) this.#deps.presence.detach(standing.reads, standing);
    standing.close();
    this.#standings.delete(destinationId);
    const now = this.#deps.clock.now();
    const version = nextVersion(standing.current.version, now);
    this.#removed.set(destinationId, version);
    this.#deps.history.removed(destinationId, version, now);
    this.#deps.hub.removed(destinationId, now);
  }

  /** Somebody watches actively until the returned function is called. */
  demand(selection: Selection): () => void {
    const end = this.#interest.add(selection);
    this.#syncAll(selection);
    return () => {
      end();
      this.#syncAll(selection);
    };
  }

  close(): void {
    for (const standing of this.#standings.values()) standing.close();
  }

  /** Ties a standing to the reads of its destination's question. */
  #wire(standing: Standing, entry: DestinationEntry): void {
    const before = standing.reads;
    const { templateRevision } = standing.entry;
    standing.entry = entry;
    standing.asking = standing.asks(this.#deps.clock.now());
    const question = entry.compiled && this.#deps.question(entry.compiled);
    const sameQuestion = question !== undefined && standing.questionKey === question.key;
    const reads = question && this.#deps.presence.attach(question, standing);
    if (before && before !== reads) {
      this.#unwatch(standing);
      this.#deps.presence.detach(before, standing);
    }
    const sameTemplate = sameQuestion && templateRevision === entry.templateRevision;
    if (reads && !sameTemplate) reads.forgive();
    standing.reconfigure(entry, reads, sameQuestion);
    if (question) standing.questionKey = question.key;
    this.#syncDemand(standing);
  }

  /** Hours and overrides begin and end: then a destination asks, or asks no more. */
  #bringUpToDate(standing: Standing): void {
    const asking = standing.asks(this.#deps.clock.now());
    if (asking !== standing.asking) {
      standing.asking = asking;
      this.#syncDemand(standing);
      if (standing.reads) this.#deps.presence.changed(standing.reads);
    }
    standing.refresh();
  }

  #create(entry: DestinationEntry): Standing {
    const { clock, evaluate, onProven, hub, overrides, history } = this.#deps;
    const standing = new Standing(entry, this.removedVersion(entry.id), {
      clock,
      evaluate,
      onProven,
      override: (id) => overrides.get(id),
      onDue: (due) => this.#bringUpToDate(due),
      onChange: (answer) => {
        if (!this.#standings.has(entry.id)) return;
        availabilityChanged(answer);
        history.changed(answer, clock.now());
        hub.changed(answer.destinationId, standing.entry.labels);
      },
      onConfirm: (answer) => hub.confirmed(answer.destinationId),
    });
    return standing;
  }

  #syncAll(selection: Selection): void {
    if ("selector" in selection) for (const standing of this.#standings.values()) this.#syncDemand(standing);
    else for (const id of selection.ids) this.#syncDemand(this.#standings.get(id));
  }

  #syncDemand(standing: Standing | undefined): void {
    if (!standing) return;
    if (!standing.asking || !this.#interest.wants(standing.entry)) this.#unwatch(standing);
    else if (standing.reads && !this.#watched.has(standing)) {
      this.#watched.add(standing);
      standing.reads.watch(1);
    }
  }

  #unwatch(standing: Standing): void {
    if (this.#watched.delete(standing)) standing.reads?.watch(-1);
  }
}
