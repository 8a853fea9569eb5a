import { once } from "node:events";
import { WebSocket } from "ws";

const QUEUE = /"event":\s*"[^"]*\/call-queues\/(\d+)\/presence/;

/**
 * Subscribes a WebSocket to queues and does nothing else: what the service does, without the service. `onNews` is called
 * with the queue; the socket lives as long as the simulator.
 */
export async function bareSocket(
  { origin, token }: { origin: string; token: string },
  queues: readonly string[],
  onNews: (queueId: string) => void,
): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${origin}/restapi/oauth/wstoken`, { method: "POST", headers });
  const { uri, ws_access_token } = (await answer.json()) as { uri: string; ws_access_token: string };
  const socket = new WebSocket(`${uri}?access_token=${ws_access_token}`);
  await once(socket, "message");
  // News that are missing then are told by who waits for them.
  socket.on("error", () => {});
  const eventFilters = queues.map((id) => `/restapi/v1.0/account/~/call-queues/${id}/presence`);
  const meta = { type: "ClientRequest", messageId: "1", method: "POST", path: "/restapi/v1.0/subscription" };
  socket.send(JSON.stringify([meta, { eventFilters, deliveryMode: { transportType: "WebSocket" } }]));
  const [data] = (await once(socket, "message")) as [Buffer];
  const [{ status }] = JSON.parse(data.toString()) as [{ status: number }];
  if (status !== 200) throw new Error(`Cannot subscribe a bare socket: ${data.toString()}`);
  socket.on("message", (news: Buffer) => {
    const queueId = QUEUE.exec(news.toString())?.[1];
    if (queueId !== undefined) onNews(queueId);
  });
}
