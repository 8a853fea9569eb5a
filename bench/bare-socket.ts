import { once } from "node:events";
import { WebSocket } from "ws";

/** A WebSocket that is subscribed to queues and does nothing else. */
export interface BareSocket {
  close(): void;
}

const QUEUE = /"event":\s*"[^"]*\/call-queues\/(\d+)\/presence/;

/** Subscribes to the simulator as the service does, without the service; `onNews` is called with the queue. */
export async function bareSocket(
  { origin, token }: { origin: string; token: string },
  queues: readonly string[],
  onNews: (queueId: string) => void,
): Promise<BareSocket> {
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${origin}/restapi/oauth/wstoken`, { method: "POST", headers });
  const { uri, ws_access_token } = (await answer.json()) as { uri: string; ws_access_token: string };
  const socket = new WebSocket(`${uri}?access_token=${ws_access_token}`);
  await once(socket, "message");
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
  return { close: () => socket.terminate() };
}
