import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { answer } from "./api.ts";
import { control, isControl } from "./control.ts";
import { deliver } from "./deliver.ts";
import { Faults } from "./faults.ts";
import type { Layout } from "./layout.ts";
import { RateLimits, type UsageGroup } from "./rate-limit.ts";
import { RequestLog, type RequestRecord } from "./request-log.ts";
import { World, type WorldOptions } from "./world.ts";

export interface SimulatorOptions extends WorldOptions {
  /** 0 (any free one) unless set. */
  port?: number;
  /** The access token that is good. */
  token?: string;
  layout?: Layout;
  /** An agent does something every so many milliseconds; 0, unless set: only by `world.tick()` or `world.set()`. */
  intervalMs?: number;
  /** Calls per minute and token; `light` is 50 unless set, Infinity = no limit. */
  limits?: Partial<Record<UsageGroup, number>>;
  /** Unix milliseconds for the usage groups and the log, so that tests can move on a minute. */
  now?: () => number;
  /** Also serve `/simulator/...`, see control.ts. */
  control?: boolean;
}

/** Simulator is a RingCentral stand-in on loopback. */
export interface Simulator {
  /** For example http://127.0.0.1:41234. */
  readonly origin: string;
  /** The access token that was good at the start. */
  readonly token: string;
  /** Access tokens that are good now: add and delete at will. */
  readonly tokens: Set<string>;
  readonly world: World;
  readonly faults: Faults;
  readonly limits: RateLimits;
  /** What came, oldest first; requests to `/simulator/...` are not among them. */
  readonly requests: readonly RequestRecord[];
  /** Resolves when so many requests have come since the start or the last `clearRequests()`; rejects at `close()`. */
  waitForRequests(count: number): Promise<void>;
  clearRequests(): void;
  /** Ends every connection, hanging requests too; resolves when nothing is left running. */
  close(): Promise<void>;
}

/** Starts a simulator; resolves when it listens. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const { token = "simulated-access-token", layout = "jackson", intervalMs = 0, now = Date.now } = options;
  const world = new World(options);
  const faults = new Faults();
  const limits = new RateLimits(options.limits ?? {}, now);
  const tokens = new Set([token]);
  const log = new RequestLog();
  const platform = { world, faults, limits, tokens, layout };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (options.control && isControl(request)) return control(request, response, { world, faults, log });
    const record = log.add(request, now());
    const gone = new AbortController();
    response.once("close", () => {
      record.broken = !response.writableFinished;
      gone.abort();
    });
    request.resume();
    const { reply, fault, queueId } = answer(request, platform);
    Object.assign(record, { queueId, fault: fault?.kind });
    await deliver(response, reply, fault, { faults, signal: gone.signal });
    if (response.headersSent) record.status = reply.status;
  }

  const server = createServer((request, response) => {
    // An error of the simulator itself has to be seen, not to look like one of RingCentral's.
    serve(request, response).catch((error: unknown) => {
      console.error(error);
      response.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const ticking = intervalMs > 0 ? setInterval(() => world.tick(), intervalMs) : undefined;

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    tokens,
    world,
    faults,
    limits,
    requests: log.records,
    waitForRequests: (count) => log.waitFor(count),
    clearRequests: () => log.clear(),
    close() {
      clearInterval(ticking);
      log.close();
      return new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
