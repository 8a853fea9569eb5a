import type { ExtensionPresence, PushEvent } from "./push-event.ts";

interface HeldExtension {
  presence: ExtensionPresence;
  sequence: number | undefined;
}

/**
 * HeldEvents keeps what came while it was not certain that all of it had come: a replay begins with what was told before
 * the cut, and told as it comes it would turn the clock back. Only the newest of each field is kept, so that nothing
 * older than the present is told in the end.
 */
export class HeldEvents {
  readonly #queues = new Map<string, Map<string, boolean>>();
  readonly #extensions = new Map<string, HeldExtension>();
  readonly #unreadable = new Set<string | undefined>();

  add(event: PushEvent): void {
    if (event.kind === "queue") {
      const members = this.#queues.get(event.queueId) ?? new Map<string, boolean>();
      this.#queues.set(event.queueId, members);
      for (const { extensionId, acceptCurrentQueueCalls } of event.members) {
        members.set(extensionId, acceptCurrentQueueCalls);
      }
      return;
    }
    const before = this.#extensions.get(event.extensionId);
    this.#extensions.set(event.extensionId, {
      presence: { ...before?.presence, ...event.presence },
      sequence: event.sequence ?? before?.sequence,
    });
  }

  /** News about the filter with this key, or about it is not known what, could not be read. */
  addUnreadable(about: string | undefined): void {
    this.#unreadable.add(about);
  }

  /** What was unreadable, in the words of `addUnreadable`; nothing of it is held afterwards. */
  takeUnreadable(): readonly (string | undefined)[] {
    const unreadable = [...this.#unreadable];
    this.#unreadable.clear();
    return unreadable;
  }

  /** One event for each queue and extension; no event is held afterwards. */
  take(): PushEvent[] {
    const events: PushEvent[] = [];
    for (const [queueId, accepts] of this.#queues) {
      const members = [...accepts].map(([extensionId, acceptCurrentQueueCalls]) => ({
        extensionId,
        acceptCurrentQueueCalls,
      }));
      events.push({ kind: "queue", queueId, members });
    }
    for (const [extensionId, held] of this.#extensions) events.push({ kind: "extension", extensionId, ...held });
    this.#queues.clear();
    this.#extensions.clear();
    return events;
  }

  clear(): void {
    this.#queues.clear();
    this.#extensions.clear();
    this.#unreadable.clear();
  }
}
