import { once } from "node:events";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { connect as connectH2 } from "node:http2";
import { connect } from "node:net";

/** A request as it goes over the wire. */
export interface RawRequest {
  /** POST unless given. */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: Buffer;
}

/** What came back, as it came. */
export interface RawAnswer {
  /** 0 when there was no answer. */
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly trailers: Record<string, string | undefined>;
  /** The name of the error code the server reset the stream with. */
  readonly reset?: string;
}

export type RawCall = (address: string, request: RawRequest) => Promise<RawAnswer>;

/** One call on an HTTP/2 connection of its own, without TLS. */
export const overH2: RawCall = async (address, { method = "POST", path, headers, body }) => {
  // The service, not this client, is to refuse what is too long.
  const session = connectH2(`http://${address}`, { maxSendHeaderBlockLength: 1 << 20 });
  const gone = new Promise<void>((resolve) => session.on("error", () => resolve()));
  try {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    let [answered, trailers]: [IncomingHttpHeaders, Record<string, string>] = [{}, {}];
    const chunks: Buffer[] = [];
    stream.on("error", () => {});
    stream.on("response", (head) => (answered = head));
    stream.on("trailers", (tail) => (trailers = tail as Record<string, string>));
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.end(body);
    await Promise.race([new Promise((resolve) => stream.on("close", resolve)), gone]);
    const reset = stream.rstCode ? { reset: H2_ERRORS[stream.rstCode] ?? `${stream.rstCode}` } : {};
    const status = Number(answered[":status" as "host"] ?? 0);
    return { status, headers: answered, body: Buffer.concat(chunks), trailers, ...reset };
  } finally {
    session.destroy();
  }
};

// RFC 9113, 7: by their numbers.
const H2_ERRORS = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
];

/** One call on an HTTP/1.1 connection of its own. */
export const overH1: RawCall = async (address, { method = "POST", path, headers, body }) => {
  const agent = new Agent();
  try {
    const req = request(`http://${address}${path}`, { method, headers, agent });
    req.end(body);
    const [res] = await once(req, "response");
    const chunks: Buffer[] = [];
    for await (const chunk of res) chunks.push(chunk);
    return { status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks), trailers: res.trailers };
  } finally {
    agent.destroy();
  }
};

/** What the server sends on one connection until it ends it, for bytes sent as they are. */
export async function talk(address: string, bytes: string | Buffer, { halfClose = false } = {}): Promise<string> {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}
