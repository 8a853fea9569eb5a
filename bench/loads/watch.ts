import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { WatchRequestSchema, WatchResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { framed, messageReader } from "../frames.ts";
import { ready } from "../peers/peer.ts";

// A load: readers of Watch, many to a connection, by node:http2 alone. It counts the availabilities that come and keeps each
// reader's last, and decodes none unless asked for it.
//
// What it is told, and answers ({"error"} when it cannot):
//   {"do": "open", "address", "ids", "streams", "connections", "stalled"}  {} when all are answered; more may be opened
//   {"do": "until", "availabilities"}  {"at"} when so many came in all: milliseconds of the machine's monotonic clock
//   {"do": "count"}                    {"availabilities"}
//   {"do": "last"}                     {"message"}: the first reader's, in base64
//   {"do": "behind", "version"}        {"streams"}: how many have another version than this one
//   {"do": "vanish"}                   {} when all sockets are cut

interface Reader {
  readonly stream: ClientHttp2Stream;
  last?: Buffer;
}

interface Opened {
  readonly address: string;
  readonly ids: readonly string[];
  readonly streams: number;
  readonly connections: number;
  /** They never read: they grant no window beyond the first 64 KiB. */
  readonly stalled?: boolean;
}

const PATH = "/availability.v1.AvailabilityService/Watch";
const WINDOW = 1 << 24;
const PATIENCE_MS = 60_000;
const AVAILABILITY = 0x0a;
const RESUME_TOKEN = 0x7a;

const sessions: ClientHttp2Session[] = [];
const readers: Reader[] = [];
let came = 0;
let awaited: { readonly count: number; readonly reached: () => void } | undefined;

const COMMANDS: Record<string, (command: Record<string, unknown>) => unknown> = {
  open: (command) => open(command as unknown as Opened),
  until: ({ availabilities }) => until(Number(availabilities)),
  count: () => ({ availabilities: came }),
  last: () => ({ message: readers[0]?.last?.toString("base64") }),
  behind: ({ version }) => ({ streams: behind(BigInt(String(version))) }),
  vanish() {
    readers.length = 0;
    for (const session of sessions.splice(0)) session.socket.destroy();
    return {};
  },
};

ready({}, async (command) => {
  try {
    return await COMMANDS[String(command.do)]!(command);
  } catch (error) {
    return { error: String(error) };
  }
});

async function open({ address, ids, streams, connections, stalled = false }: Opened): Promise<object> {
  const request = framed(
    toBinary(WatchRequestSchema, {
      $typeName: WatchRequestSchema.typeName,
      destinationIds: [...ids],
      resumeToken: "",
      heartbeatInterval: { $typeName: "google.protobuf.Duration", seconds: 60n, nanos: 0 },
      passive: false,
      labelSelector: {},
    }),
  );
  const answered: Promise<void>[] = [];
  for (let index = 0; index < connections; index++) {
    const session = connect(`http://${address}`);
    session.on("error", () => {});
    if (!stalled) session.once("connect", () => session.setLocalWindowSize(WINDOW));
    sessions.push(session);
    for (let left = Math.ceil(streams / connections); left > 0; left--) answered.push(read(session, request, stalled));
  }
  await inTime(Promise.all(answered), `not all of ${streams} streams were answered`);
  return {};
}

/** Begins to read a Watch; resolves when its headers have come. */
function read(session: ClientHttp2Session, request: Buffer, stalled: boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const headers = { ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers" };
  const stream = session.request(headers);
  const reader: Reader = { stream };
  const ended = () => {
    reject(new Error("a Watch ended"));
    if (readers.includes(reader)) fail(new Error("a Watch ended by itself"));
  };
  stream.on("error", ended);
  stream.once("close", ended);
  stream.once("response", () => resolve());
  stream.end(request);
  readers.push(reader);
  // Nobody listens for the data of a reader that is stalled, and node:http2 grants no window for what is not read.
  if (stalled) return promise;
  const messages = messageReader();
  stream.on("data", (chunk: Buffer) => {
    for (const message of messages(chunk)) {
      if (!isAvailability(message)) continue;
      reader.last = message;
      came++;
    }
    if (awaited && came >= awaited.count) awaited.reached();
  });
  return promise;
}

/** Whether a WatchResponse has an availability; its resume token, short as it is, may stand before it. */
function isAvailability(message: Buffer): boolean {
  return message[message[0] === RESUME_TOKEN ? 2 + message[1]! : 0] === AVAILABILITY;
}

async function until(count: number): Promise<{ at: number }> {
  if (came < count) {
    const { promise, resolve } = Promise.withResolvers<void>();
    awaited = { count, reached: resolve };
    await inTime(promise, `fewer than ${count} availabilities came`);
    awaited = undefined;
  }
  return { at: Number(process.hrtime.bigint()) / 1e6 };
}

function behind(newest: bigint): number {
  const has = ({ last }: Reader) => {
    if (!last) return false;
    const { event } = fromBinary(WatchResponseSchema, last);
    return event.case === "availability" && event.value.version === newest;
  };
  return readers.filter((reader) => !has(reader)).length;
}

async function inTime(promise: Promise<unknown>, why: string): Promise<void> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`Cannot watch: ${why} in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What breaks later than its command was answered ends the program, and with it the run. */
function fail(error: Error): never {
  console.error(error.message);
  process.exit(1);
}
