import { type Client, Code, ConnectError } from "@connectrpc/connect";
import type { Availability } from "../../gen/availability/v1/availability_pb.ts";
import type { AvailabilityService } from "../../gen/availability/v1/availability_service_pb.ts";
import { durationOf } from "./milliseconds.ts";

export interface CheckOptions {
  /** Greatest age of the answer in milliseconds. 0 = a read sent after this check arrived at the server, so always an RPC. */
  readonly maxAgeMs?: number | undefined;
  /** How long an RPC may take, where one is needed; the client's unless given. */
  readonly timeoutMs?: number | undefined;
  /** Ends the wait for an RPC. */
  readonly signal?: AbortSignal | undefined;
}

// What a Duration can hold.
const LONGEST_MS = 315_576_000_000_000;

/** Whether so great an age can be asked for. */
export function isMaxAge(maxAgeMs: unknown): maxAgeMs is number {
  return typeof maxAgeMs === "number" && maxAgeMs >= 0 && maxAgeMs <= LONGEST_MS;
}

/** FallBack asks the server where memory is not enough. Every failure is a ConnectError. */
export class FallBack {
  readonly #client: Pick<Client<typeof AvailabilityService>, "check">;
  readonly #timeoutMs: number;
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  constructor(client: Pick<Client<typeof AvailabilityService>, "check">, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async check(destinationId: string, options: CheckOptions): Promise<Availability> {
    const { maxAgeMs, timeoutMs = this.#timeoutMs, signal } = options;
    if (this.#closed) throw closedError(destinationId);
    if (maxAgeMs !== undefined && !isMaxAge(maxAgeMs)) {
      const problem = `maxAgeMs is ${String(maxAgeMs)}, expected 0 to ${LONGEST_MS}`;
      throw new ConnectError(`${cannot(destinationId)}: ${problem}`, Code.InvalidArgument);
    }
    const call = new AbortController();
    const leave = () => call.abort(signal?.reason);
    if (signal?.aborted) leave();
    signal?.addEventListener("abort", leave, { once: true });
    this.#underWay.add(call);
    try {
      const request = { destinationId, ...(maxAgeMs !== undefined && { maxAge: durationOf(maxAgeMs) }) };
      const { availability } = await this.#client.check(request, { timeoutMs, signal: call.signal });
      if (availability) return availability;
      throw new ConnectError(`${cannot(destinationId)}: the server's answer is empty`, Code.Internal);
    } catch (error) {
      throw this.#closed ? closedError(destinationId) : ConnectError.from(error);
    } finally {
      this.#underWay.delete(call);
      signal?.removeEventListener("abort", leave);
    }
  }

  close(): void {
    this.#closed = true;
    for (const call of this.#underWay) call.abort();
  }
}

function closedError(destinationId: string): ConnectError {
  return new ConnectError(`${cannot(destinationId)}: the client is closed`, Code.Canceled);
}

function cannot(destinationId: string): string {
  return `Cannot check destination ${JSON.stringify(destinationId)}`;
}
