import type { startWorld } from "./test-world.ts";
import type { Watch, WatchQuery } from "./watch.ts";
import type { WatchEvent } from "./watch-event.ts";
import { resumeTokenOf } from "./watched-set.ts";

/** The destinations of the property tests. */
export const IDS = ["a", "b", "c"];

/** Events in short: "availability a CRITERIA_MET", "removed a", "synced", ... */
export function short(events: readonly WatchEvent[]): string[] {
  return events.map((event) => {
    if (event.kind === "availability") return `availability ${event.answer.destinationId} ${event.answer.reason}`;
    if (event.kind === "removed" || event.kind === "unknown") return `${event.kind} ${event.destinationId}`;
    return event.kind;
  });
}

/** The version a client of this query should hold in the end; undefined when it should hold nothing. */
export function selected(
  world: ReturnType<typeof startWorld>,
  query: Partial<WatchQuery>,
  id: string,
): bigint | undefined {
  const standing = world.board.get(id);
  if (!standing || (query.destinationIds && !query.destinationIds.includes(id))) return undefined;
  if (query.selector && standing.entry.labels.on !== query.selector.on) return undefined;
  return standing.current.version;
}

/** A Watch as a reader has it who takes one message after the other, until the signal is aborted or he stops. */
export function streamed(watch: Watch) {
  return async function* (
    query: WatchQuery,
    signal: AbortSignal,
  ): AsyncGenerator<{ event: WatchEvent; resumeToken: string }> {
    let wake = () => {};
    const onAbort = () => wake();
    const watching = watch(query, () => wake());
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const item = watching.take();
        if (item) yield { event: item.event, resumeToken: resumeTokenOf(item) };
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      watching.close();
    }
  };
}
