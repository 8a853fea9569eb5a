import { Code, ConnectError } from "@connectrpc/connect";
import type { WatchResponse } from "../../gen/availability/v1/availability_service_pb.ts";
import type { Clock } from "./clock.ts";

export interface WatchReading {
  readonly clock: Clock;
  /** Begins the Watch; it is left when `signal` is aborted. */
  readonly open: (signal: AbortSignal) => AsyncIterable<WatchResponse>;
  /** "enough" leaves the Watch. */
  readonly onMessage: (message: WatchResponse) => "enough" | undefined;
  /** How often something has to come. */
  readonly heartbeatMs: number;
  /** How long it may take until something comes at all. */
  readonly openingMs: number;
  /** Aborted when nobody wants it any more. */
  readonly signal: AbortSignal;
}

// Silence is noticed after two to three heartbeat intervals.
const SILENT_INTERVALS = 3;

/**
 * Reads one Watch until it ends, is silent for too long or is not wanted any more, and resolves to why; it never rejects.
 * Nothing is handed on after that, also when the transport does not notice that it was left.
 */
export function readWatch(reading: WatchReading): Promise<ConnectError> {
  const { clock, open, onMessage, heartbeatMs, openingMs, signal } = reading;
  return new Promise((resolve) => {
    const leaving = new AbortController();
    // Intervals are counted, in place of the time since the last message: a process that was busy for long finds its
    // timer due before it can read what has come meanwhile.
    let silentLeft = Math.max(SILENT_INTERVALS, Math.ceil(openingMs / heartbeatMs));
    let cancelTimer = clock.after(heartbeatMs, tick);
    const unwanted = () =>
      end(new ConnectError("Cannot go on with the Watch: nobody wants it any more", Code.Canceled));
    signal.addEventListener("abort", unwanted, { once: true });
    if (signal.aborted) return unwanted();
    read().then(
      () => end(new ConnectError("Cannot go on with the Watch: the server ended it", Code.Unavailable)),
      (error: unknown) => end(ConnectError.from(error)),
    );

    function end(why: ConnectError): void {
      cancelTimer();
      signal.removeEventListener("abort", unwanted);
      resolve(why);
      leaving.abort(why);
    }

    function tick(): void {
      silentLeft--;
      if (silentLeft > 0) cancelTimer = clock.after(heartbeatMs, tick);
      else end(new ConnectError("Cannot go on with the Watch: nothing came for too long", Code.DeadlineExceeded));
    }

    async function read(): Promise<void> {
      for await (const message of open(leaving.signal)) {
        if (leaving.signal.aborted) return;
        silentLeft = SILENT_INTERVALS;
        if (onMessage(message) === "enough") return unwanted();
      }
    }
  });
}
