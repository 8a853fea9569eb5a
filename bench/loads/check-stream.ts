import { connect } from "node:http2";
import { ready } from "../peers/peer.ts";
import { checkStreamRequests } from "./check-stream-requests.ts";

// A load: checks on one bidirectional stream, as many under way as told, for as long as told. It joins what it sends, and
// looks at no more of an answer than whether it is one, so that it is never what is measured.
//
// It is told {"address", "ids", "inFlight", "ms"}, and answers {"answered", "perSecond"} or {"error"}.

interface Command {
  readonly address: string;
  readonly ids: readonly string[];
  readonly inFlight: number;
  readonly ms: number;
}

const PATH = "/availability.v1.AvailabilityService/CheckStream";
const WINDOW = 1 << 24;
const PATIENCE_MS = 60_000;
const HEAD = 5;
const REQUEST_ID = 0x0a;
const RESPONSE = 0x12;

ready({}, (command) => run(command as unknown as Command).catch((error: unknown) => ({ error: String(error) })));

async function run({ address, ids, inFlight, ms }: Command): Promise<{ answered: number; perSecond: number }> {
  const take = checkStreamRequests(ids);
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();
  const session = connect(`http://${address}`, { settings: { initialWindowSize: WINDOW } });
  session.once("connect", () => session.setLocalWindowSize(WINDOW));
  session.once("error", reject);
  const headers = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  stream.once("error", reject);
  const late = setTimeout(
    () => reject(new Error(`Cannot measure: not all answered in ${PATIENCE_MS} ms`)),
    PATIENCE_MS,
  );
  stream.once("trailers", ({ "grpc-status": status, "grpc-message": message }) => {
    if (status === "0") resolve();
    else reject(new Error(`Cannot measure: the stream ended with status ${status}: ${message}`));
  });

  let answered = 0;
  let sent = inFlight;
  let sending = true;
  let held: Buffer = Buffer.alloc(0);
  const start = performance.now();
  let perSecond = 0;
  stream.on("data", (chunk: Buffer) => {
    const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    let at = 0;
    let came = 0;
    while (bytes.length - at >= HEAD) {
      const end = at + HEAD + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      if (!isResponse(bytes, at + HEAD)) return reject(new Error("Cannot measure: a check was answered by an error"));
      came++;
      at = end;
    }
    held = bytes.subarray(at);
    answered += came;
    if (!sending) return;
    const elapsed = performance.now() - start;
    if (elapsed >= ms) {
      sending = false;
      perSecond = (answered * 1000) / elapsed;
      stream.end();
    } else if (came > 0) {
      sent += came;
      for (const slice of take(came)) stream.write(slice);
    }
  });
  for (const slice of take(inFlight)) stream.write(slice);
  try {
    await ended;
  } finally {
    clearTimeout(late);
    session.destroy();
  }
  if (answered !== sent) throw new Error(`Cannot measure: ${answered} answers to ${sent} checks`);
  return { answered, perSecond };
}

/** Whether a CheckStreamResponse has a response and no error; the request's id may stand before it. */
function isResponse(bytes: Buffer, at: number): boolean {
  const outcome = bytes[at] === REQUEST_ID ? at + 2 + bytes[at + 1]! : at;
  return bytes[outcome] === RESPONSE;
}
