import { once } from "node:events";
import { connect as connectH2 } from "node:http2";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Case, Ports } from "./protocol-case.ts";
import { talk } from "./raw-calls.ts";
import { bytesOf, frame } from "./raw-messages.ts";

// Cases about a connection as a whole: what comes after an error, in the middle of a call, or out of turn.

const PATH = `/${AvailabilityService.typeName}`;
const CHECK = bytesOf("Check", { destinationId: "sales" });
const GRPC_CALL = { ":method": "POST", ":path": `${PATH}/Check`, "content-type": "application/grpc", te: "trailers" };

/** One HTTP/1.1 request as text. */
function post(
  body: string,
  { last = false, path = "Check", headers = [] as string[], length = body.length } = {},
): string {
  const head = [
    `POST ${PATH}/${path} HTTP/1.1`,
    "host: stranger",
    "content-type: application/json",
    `content-length: ${length}`,
    ...(last ? ["connection: close"] : []),
    ...headers,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

const GOOD = '{"destinationId":"sales"}';
const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, code]) => code).join(", ") || "connection closed";

const overHttp1 = (bytes: string | Buffer) => async (ports: Ports) => statuses(await talk(ports.http, bytes));

function onePort(name: string, expected: string, run: Case["run"], holds?: RegExp): Case {
  return {
    area: "Connections",
    name,
    way: "HTTP/1.1",
    expected,
    holds: (o) => (holds ? holds.test(o) : o === expected),
    run,
  };
}

function bothPorts(name: string, expected: string, run: (address: string) => Promise<string>): Case[] {
  const ways = { "h2c on the gRPC port": "grpc", "h2c on the HTTP port": "http" } as const;
  return Object.entries(ways).map(([way, port]) => ({
    area: "Connections",
    name,
    way,
    expected,
    holds: (observed) => observed === expected,
    run: (ports) => run(ports[port]),
  }));
}

/** What a good call on the session gets. */
async function goodCall(session: ReturnType<typeof connectH2>): Promise<string> {
  const stream = session.request(GRPC_CALL);
  let code: unknown = "no status";
  stream.on("trailers", (trailers) => (code = trailers["grpc-status"]));
  stream.on("error", () => {});
  stream.resume();
  stream.end(frame(CHECK));
  await once(stream, "close");
  return status[Number(code)] ?? String(code);
}

/** Does something to a session first, then sends a good call on it. */
function after(first: (session: ReturnType<typeof connectH2>) => Promise<unknown>) {
  return async (address: string) => {
    const session = connectH2(`http://${address}`);
    session.on("error", () => {});
    await first(session);
    const outcome = await goodCall(session);
    session.destroy();
    return outcome;
  };
}

/** A grpc-js client's call that it cancels at once, then a good one. */
async function cancelled(address: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure());
  const check = (cancel: boolean) =>
    new Promise<string>((resolve) => {
      const done = (error: ServiceError | null) => resolve(error ? status[error.code] : "OK");
      const same = (bytes: Buffer) => bytes;
      const call = client.makeUnaryRequest(`${PATH}/Check`, same, same, CHECK, new Metadata(), done);
      if (cancel) call.cancel();
    });
  const outcomes = [await check(true), await check(false)];
  client.close();
  return outcomes.join(", then ");
}

export const CONNECTION_CASES: readonly Case[] = [
  onePort(
    "three requests in one piece",
    "200, 200, 200",
    overHttp1(post(GOOD) + post(GOOD) + post(GOOD, { last: true })),
  ),
  onePort(
    "a good request after an unknown destination",
    "404, 200",
    overHttp1(post('{"destinationId":"nobody"}') + post(GOOD, { last: true })),
  ),
  onePort("a good request after a bad body", "400, 200", overHttp1(post("{") + post(GOOD, { last: true }))),
  onePort(
    "a good request after an unknown path",
    "404, 200",
    overHttp1(post("{}", { path: "Nothing" }) + post(GOOD, { last: true })),
  ),
  onePort(
    "a good request after a content type that is not spoken",
    "415, 200",
    overHttp1(post(GOOD).replace("application/json", "text/plain") + post(GOOD, { last: true })),
  ),
  onePort(
    "a good request after one over 1 MiB",
    "429, then 200 or the end",
    overHttp1(post("x".repeat((1 << 20) + 1)) + post(GOOD, { last: true })),
    /^429(, 200)?$/,
  ),
  onePort("20 KiB of headers", "431", overHttp1(post(GOOD, { headers: [`x-stranger: ${"x".repeat(20_480)}`] }))),
  onePort("Expect: 100-continue", "100, 200", overHttp1(post(GOOD, { last: true, headers: ["expect: 100-continue"] }))),
  onePort(
    "a chunked body",
    "200",
    overHttp1(
      post(`19\r\n${GOOD}\r\n0\r\n\r\n`, { last: true }).replace(/content-length: \d+/, "transfer-encoding: chunked"),
    ),
  ),
  onePort(
    "both content-length and transfer-encoding",
    "400",
    overHttp1(post(`19\r\n${GOOD}\r\n0\r\n\r\n`, { last: true, headers: ["transfer-encoding: chunked"] })),
  ),
  onePort(
    "the client leaves in the middle of a body",
    "400, or no answer",
    async ({ http }) => statuses(await talk(http, post(GOOD, { length: 100 }), { halfClose: true })),
    /^(400|connection closed)$/,
  ),
  onePort(
    "bytes that are no HTTP",
    "400, or no answer",
    overHttp1("\u0016\u0003\u0001 hello\r\n\r\n"),
    /^(400|connection closed)$/,
  ),
  ...bothPorts(
    "a good call after one that failed",
    "OK",
    after(async (session) => {
      const stream = session.request(GRPC_CALL);
      stream.on("error", () => {});
      stream.resume();
      stream.end(frame(Buffer.from([0x0a, 0xff])));
      await once(stream, "close");
    }),
  ),
  ...bothPorts(
    "a good call after one reset in the middle of its message",
    "OK",
    after(async (session) => {
      const stream = session.request(GRPC_CALL);
      stream.on("error", () => {});
      stream.write(frame(CHECK).subarray(0, 7));
      await once(stream, "ready").catch(() => {});
      stream.close(8);
      await once(stream, "close");
    }),
  ),
  ...bothPorts(
    "a good call after request trailers",
    "OK",
    after(async (session) => {
      const stream = session.request(GRPC_CALL, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-stranger": "late" }));
      stream.on("error", () => {});
      stream.resume();
      stream.end(frame(CHECK));
      await once(stream, "close");
    }),
  ),
  ...bothPorts("grpc-js: a call that it cancels, then a good one", "CANCELLED, then OK", cancelled),
];
