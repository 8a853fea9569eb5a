import type { ServiceImpl } from "@connectrpc/connect";
import type { AvailabilityService, WatchResponse } from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Watch, Watching, WatchQuery } from "../../availability/watch.ts";
import { watchBytes, watchResponse } from "../convert-watch.ts";
import { type Driven, drive, type Source } from "../driven.ts";
import { heartbeatMs } from "../validate.ts";

export function watchHandlers({ watch }: { watch: Watch }): Pick<ServiceImpl<typeof AvailabilityService>, "watch"> {
  return {
    watch(request, context): Driven<WatchResponse> {
      const query = {
        destinationIds: request.destinationIds,
        selector: request.labelSelector,
        resumeToken: request.resumeToken,
        heartbeatMs: heartbeatMs(request),
        passive: request.passive,
      };
      return {
        [Symbol.asyncIterator]: () => iterated(watch, query, context.signal),
        [drive]: (wake) => new WatchSource(watch(query, wake)),
      };
    },
  };
}

async function* iterated(watch: Watch, query: WatchQuery, signal: AbortSignal): AsyncGenerator<WatchResponse> {
  let wake = () => {};
  const onAbort = () => wake();
  const watching = watch(query, () => wake());
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      const item = watching.take();
      if (item) yield watchResponse(item);
      else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    watching.close();
  }
  // A stream that just returned would end OK, and clients would take the Watch for finished.
  signal.throwIfAborted();
}

/** WatchSource is a Watch as its writer takes it, encoded; there may be thousands. */
class WatchSource implements Source {
  readonly #watching: Watching;
  ended = false;

  constructor(watching: Watching) {
    this.#watching = watching;
  }

  take(): Uint8Array | undefined {
    const item = this.ended ? undefined : this.#watching.take();
    return item && watchBytes(item);
  }

  stop(): void {
    this.ended = true;
  }

  close(): void {
    this.#watching.close();
  }
}
