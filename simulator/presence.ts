import { acceptsQueueCalls, type Member } from "./agent.ts";
import type { Layout } from "./layout.ts";
import type { Queue } from "./world.ts";

/** The document of GET .../call-queues/{id}/presence: all members in one body, whether or not they are logged in. */
export function queuePresence(queue: Queue, layout: Layout): QueuePresence {
  if (layout !== "seed") return { records: queue.members.map(realRecord) };
  const paging = { page: 1, totalPages: 1, totalElements: queue.members.length };
  return { records: queue.members.map(seedRecord), paging };
}

export interface QueuePresence {
  records: Record<string, unknown>[];
  /** In the seed layout only. */
  paging?: { page: number; totalPages: number; totalElements: number };
}

// The real answer has the member's id as text, and no presenceStatus.
function realRecord({ agent, acceptCurrentQueueCalls }: Member): Record<string, unknown> {
  return {
    member: {
      id: agent.id,
      name: agent.name,
      extensionNumber: agent.extensionNumber,
      site: { id: "main-site", name: "Main Site" },
    },
    acceptQueueCalls: acceptsQueueCalls(agent),
    acceptCurrentQueueCalls,
  };
}

// The shape of CallGrid's integration page, which RingCentral's own API does not have.
function seedRecord({ agent, acceptCurrentQueueCalls }: Member): Record<string, unknown> {
  return {
    extension: { id: agent.id, extensionNumber: agent.extensionNumber },
    acceptCurrentQueueCalls,
    presenceStatus: agent.presenceStatus,
  };
}
