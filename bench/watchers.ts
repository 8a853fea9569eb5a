import { join } from "node:path";
import type { Bench } from "./scenario.ts";
import type { Stage } from "./stage.ts";

/** Readers of Watch in a program of their own (loads/watch.ts). */
export interface Watchers {
  /** Opens streams over so many connections; resolves when all are answered. */
  open(of: { streams: number; connections: number; stalled?: boolean }): Promise<void>;
  /** Waits until so many availabilities came in all; resolves to when, in ms of the machine's monotonic clock. */
  until(availabilities: number): Promise<number>;
  /** Availabilities that came in all. */
  count(): Promise<number>;
  /** The last WatchResponse of the first reader. */
  last(): Promise<Buffer>;
  /** Readers whose last availability is of another version. */
  behind(version: bigint): Promise<number>;
  /** Cuts all sockets, without a word. */
  vanish(): Promise<void>;
}

/** Starts readers at an address. */
export async function startWatchers(bench: Bench, address: string, ids: readonly string[]): Promise<Watchers> {
  const program = join(import.meta.dirname, "loads/watch.ts");
  const load = await bench.program({ name: "readers", program, side: "load" });
  return {
    open: async (of) => void (await load.ask({ do: "open", address, ids, ...of })),
    until: async (availabilities) => (await load.ask<{ at: number }>({ do: "until", availabilities })).at,
    count: async () => (await load.ask<{ availabilities: number }>({ do: "count" })).availabilities,
    last: async () => Buffer.from((await load.ask<{ message: string }>({ do: "last" })).message, "base64"),
    behind: async (version) =>
      (await load.ask<{ streams: number }>({ do: "behind", version: String(version) })).streams,
    vanish: async () => void (await load.ask({ do: "vanish" })),
  };
}

const AN_HOUR_MS = 3_600_000;

/** Changes a destination's availability each time it is called: an override with a new note, which costs no read. */
export function changer({ by }: Stage, destinationId: string): () => Promise<void> {
  const { destinations } = by("grpc-js on the gRPC port");
  const expiresAt = { seconds: BigInt(Math.floor((Date.now() + AN_HOUR_MS) / 1000)), nanos: 0 };
  // As long at the last change as at the first, so that every message is.
  let changes = 100_000;
  return async () => {
    await destinations.setOverride({
      destinationIds: [destinationId],
      accepted: true,
      expiresAt,
      note: `change ${++changes}`,
    });
  };
}
