import type { Agent, Member } from "./agent.ts";

/** Something about a member changed in a queue; a change of the agent is told once for each of the agent's queues. */
export interface WorldChange {
  readonly queueId: string;
  readonly extensionId: string;
}

/** What is different now, as it was at that time: an agent, with what the agent was before, or whether a member takes calls of one queue. */
export type News =
  | { readonly kind: "agent"; readonly at: number; readonly agent: Agent; readonly before: Agent }
  | { readonly kind: "membership"; readonly at: number; readonly queueId: string; readonly member: Member };

/** Those who want to be told. */
export class Listeners<Told> {
  readonly #listeners = new Set<(told: Told) => void>();

  /** Calls `listener` from now on; the returned function ends it. */
  add(listener: (told: Told) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(told: Told): void {
    for (const listener of this.#listeners) listener(told);
  }
}
