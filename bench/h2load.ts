import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { placed } from "./placement.ts";

/** What h2load (Debian's nghttp2-client) sends: the same call all the time. */
export interface Load {
  readonly address: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of each request. */
  readonly body: Uint8Array;
  /** Bytes that a good answer's body has at least. gRPC says in a trailer what went wrong, which h2load does not read. */
  readonly answerBytes: number;
  readonly http1?: boolean;
  readonly ms: number;
}

/** What came of it. */
export interface LoadResult {
  readonly perSecond: number;
  /** All that were answered, those too that were still under way at the end. */
  readonly answered: number;
}

const PATIENCE_MS = 10_000;
const CONNECTIONS = 4;
const STREAMS = 32;
// Over HTTP/1.1 a connection carries one request at a time.
const HTTP1_CONNECTIONS = 64;

/** Asks for so long, or longer where nothing was answered; throws when anything failed. */
export async function h2load(load: Load): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    const body = join(folder, "body");
    await writeFile(body, load.body);
    const headers = Object.entries(load.headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
    const parallel = load.http1 ? ["--h1", `-c${HTTP1_CONNECTIONS}`] : [`-c${CONNECTIONS}`, `-m${STREAMS}`];
    const command = ["h2load", ...parallel, "-t1", `-D${load.ms}ms`, "-d", body, ...headers];
    const result = parseH2load(await output([...command, `http://${load.address}${load.path}`]), load.answerBytes);
    if (result.answered > 0) return result;
    if (load.ms > PATIENCE_MS) throw new Error(`Cannot measure calls: none was answered in ${load.ms} ms`);
    // A machine that is busy elsewhere; what was asked for was too short.
    return await h2load({ ...load, ms: load.ms * 4 });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** What h2load printed; throws when a request failed, or answers were shorter than good ones are. */
export function parseH2load(text: string, answerBytes: number): LoadResult {
  const [, perSecond] = /finished in [^,]+, ([\d.]+) req\/s/.exec(text) ?? [];
  const [, done, failed, errored, timedOut] =
    /(\d+) done, \d+ succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(text) ?? [];
  const [, ok, ...others] = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(text) ?? [];
  const [, data] = /\((\d+)\) data/.exec(text) ?? [];
  const trouble = [failed, errored, timedOut, ...others].some((count) => count !== "0");
  if (trouble || done === undefined || ok === undefined)
    throw new Error(`Cannot measure calls: not all were answered:\n${text}`);
  if (Number(data) < Number(done) * answerBytes) {
    throw new Error(`Cannot measure calls: answers are shorter than ${answerBytes} bytes on average:\n${text}`);
  }
  return { perSecond: Number(perSecond), answered: Number(ok) };
}

function output(command: readonly string[]): Promise<string> {
  const [program = "", ...args] = [...placed("load"), ...command];
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => {
      const text = Buffer.concat(chunks).toString();
      if (code === 0) resolve(text);
      else reject(new Error(`Cannot measure calls: h2load ended with ${code}:\n${text}`));
    });
  });
}
