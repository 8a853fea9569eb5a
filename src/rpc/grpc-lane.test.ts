import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from "node:http2";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CheckRequestSchema, CheckResponseSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { layLane } from "./grpc-lane.ts";
import { startBoth } from "./test-listeners.ts";

const CHECK = "/availability.v1.AvailabilityService/Check";

let both: Awaited<ReturnType<typeof startBoth>>;
let session: ClientHttp2Session;
let aborted: unknown[] = [];

beforeAll(async () => {
  both = await startBoth({
    async check({ destinationId }, { signal, responseHeader, responseTrailer }) {
      if (destinationId === "waits") {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        aborted.push(signal.reason);
        signal.throwIfAborted();
      }
      responseHeader.set("x-header", "h");
      responseTrailer.set("x-trailer-bin", "AQI");
      return { availability: { destinationId } };
    },
  });
  session = connect(both.grpcUrl);
});
afterAll(async () => {
  session.close();
  await both.stop();
});

interface Answered {
  headers: IncomingHttpHeaders;
  trailers: IncomingHttpHeaders;
  /** Of the answer's message; undefined when none came. */
  id: string | undefined;
}

function message(destinationId: string, flag = 0): Buffer {
  const bytes = Buffer.from(toBinary(CheckRequestSchema, create(CheckRequestSchema, { destinationId })));
  const body = flag === 1 ? gzipSync(bytes) : bytes;
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}

/** A call whose request is sent in these pieces, each a frame of its own. */
function call(pieces: readonly Buffer[], headers: Record<string, string> = {}) {
  const stream = session.request({
    ":method": "POST",
    ":path": CHECK,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  const answered = new Promise<Answered>((resolve, reject) => {
    const got: Answered = { headers: {}, trailers: {}, id: undefined };
    const chunks: Buffer[] = [];
    stream.on("response", (headers) => (got.headers = headers));
    stream.on("trailers", (trailers) => (got.trailers = trailers));
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      const bytes = Buffer.concat(chunks);
      if (bytes.length > 0) got.id = fromBinary(CheckResponseSchema, bytes.subarray(5)).availability?.destinationId;
      // A refusal has its trailers in place of headers.
      resolve({ ...got, trailers: { ...got.headers, ...got.trailers } });
    });
  });
  answered.catch(() => {});
  const send = async () => {
    for (const piece of pieces) {
      await new Promise<void>((resolve) => stream.write(piece, () => resolve()));
      // A round trip of the connection: the piece has arrived by itself.
      await new Promise<void>((resolve) => session.ping(() => resolve()));
    }
    stream.end();
  };
  void send();
  return { stream, answered };
}

test("a call of one message is answered with the headers and trailers of its handler", async () => {
  const { headers, trailers, id } = await call([message("q")]).answered;
  expect(id).toBe("q");
  expect(headers).toMatchObject({ ":status": 200, "content-type": "application/grpc+proto", "x-header": "h" });
  expect(trailers).toMatchObject({ "grpc-status": "0", "x-trailer-bin": "AQI=" });
});

test.each([
  { name: "in pieces", pieces: [message("q").subarray(0, 3), message("q").subarray(3)], headers: {} },
  { name: "compressed", pieces: [message("q", 1)], headers: { "grpc-encoding": "gzip" } },
  { name: "of another subtype", pieces: [message("q")], headers: { "content-type": "application/grpc+octets" } },
])("a call of a message $name is answered all the same", async ({ pieces, headers }) => {
  const { trailers, id } = await call(pieces, headers).answered;
  expect([id, trailers["grpc-status"]]).toEqual(["q", "0"]);
});

test.each([
  { name: "no message", pieces: [], status: "12" },
  { name: "two messages", pieces: [message("q"), message("q")], status: "12" },
  { name: "two messages at once", pieces: [Buffer.concat([message("q"), message("q")])], status: "12" },
  { name: "a message that is too large", pieces: [Buffer.from([0, 0x7f, 0, 0, 0])], status: "8" },
  { name: "bytes that are no message", pieces: [Buffer.from([0, 0, 0, 0, 1, 0xff])], status: "3" },
])("a call of $name is refused with $status", async ({ pieces, status }) => {
  const { trailers, id } = await call(pieces).answered;
  expect([id, trailers["grpc-status"]]).toEqual([undefined, status]);
});

test("an odd deadline is refused, and one of years is waited for", async () => {
  const refused = await call([message("q")], { "grpc-timeout": "soon" }).answered;
  expect(refused.trailers["grpc-status"]).toBe("13");
  const patient = await call([message("q")], { "grpc-timeout": "9000H" }).answered;
  expect([patient.id, patient.trailers["grpc-status"]]).toEqual(["q", "0"]);
});

test("a deadline that passes while the handler waits is told to both", async () => {
  aborted = [];
  const { trailers } = await call([message("waits")], { "grpc-timeout": "30m" }).answered;
  expect(trailers["grpc-status"]).toBe("4");
  await vi.waitUntil(() => aborted.length > 0);
  expect(aborted[0]).toMatchObject({ code: 4 });
});

test("a client that leaves is told to the handler, and a deadline a month away keeps nothing", async () => {
  aborted = [];
  const { stream } = call([message("waits")], { "grpc-timeout": "999H" });
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  await new Promise<void>((resolve) => session.ping(() => resolve()));
  stream.close(8);
  await vi.waitUntil(() => aborted.length > 0);
  expect(aborted[0]).toMatchObject({ code: 1 });
});

test("layLane() knows the inside of this grpc-js, and changes nothing in one that it does not know", async () => {
  const server = new Server();
  await new Promise<void>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error) => (error ? reject(error) : resolve()));
  });
  expect(layLane(server, new Map())).toBe(true);
  expect(layLane({} as Server, new Map())).toBe(false);
  expect(layLane({ http2Servers: new Map([[{}, {}]]) } as unknown as Server, new Map())).toBe(false);
  server.forceShutdown();
});
