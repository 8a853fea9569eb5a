import type { ConnectError } from "@connectrpc/connect";
import { RetryInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { msOf } from "./milliseconds.ts";

const FIRST_MS = 100;
const LONGEST_MS = 5_000;
const LONGEST_ASKED_MS = 60_000;

/** BackOff says how long to wait before the next Watch: longer each time, and never as everybody else. */
export class BackOff {
  #nextMs = FIRST_MS;

  /** Milliseconds to wait after `error`; no less than it asks for. */
  after(error: ConnectError): number {
    const growing = this.#nextMs;
    this.#nextMs = Math.min(growing * 2, LONGEST_MS);
    const asked = retryDelayMs(error);
    return asked === undefined ? growing * (0.5 + Math.random() / 2) : asked + growing * Math.random();
  }

  /** It went well again. */
  reset(): void {
    this.#nextMs = FIRST_MS;
  }
}

/** What the server's google.rpc.RetryInfo asks for; not more than a minute is granted. */
function retryDelayMs(error: ConnectError): number | undefined {
  for (const { retryDelay } of error.findDetails(RetryInfoSchema)) {
    if (retryDelay) return Math.min(Math.max(msOf(retryDelay), 0), LONGEST_ASKED_MS);
  }
  return undefined;
}
