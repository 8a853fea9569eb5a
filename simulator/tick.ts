import { acceptsQueueCalls } from "./agent.ts";
import type { World } from "./world.ts";

/** One agent somewhere does one thing: opts in or out of a queue, turns Do Not Disturb on or off, or begins or ends a call. */
export function tick(world: World, random: () => number): void {
  const queues = world.queueIds.map((id) => world.queue(id)).filter(({ members }) => members.length > 0);
  const queue = queues[Math.floor(random() * queues.length)];
  if (!queue) return;
  const index = Math.floor(random() * queue.members.length);
  const member = queue.members[index]!;
  const what = random();
  if (what < 0.6) world.set(queue.id, index, { acceptCurrentQueueCalls: !member.acceptCurrentQueueCalls });
  else if (what < 0.8) world.set(queue.id, index, { acceptQueueCalls: !acceptsQueueCalls(member.agent) });
  else if (member.agent.telephonyStatus === "NoCall") {
    world.set(queue.id, index, { telephonyStatus: "CallConnected", presenceStatus: "Busy" });
  } else world.set(queue.id, index, { telephonyStatus: "NoCall", presenceStatus: "Available" });
}
