import type { ServiceImpl } from "@connectrpc/connect";
import type { AvailabilityService } from "../../../gen/availability/v1/availability_service_pb.ts";
import type { Watch } from "../../availability/watch.ts";
import { watchResponse } from "../convert-watch.ts";
import { heartbeatMs } from "../validate.ts";

export function watchHandlers({ watch }: { watch: Watch }): Pick<ServiceImpl<typeof AvailabilityService>, "watch"> {
  return {
    async *watch(request, context) {
      const query = {
        destinationIds: request.destinationIds,
        selector: request.labelSelector,
        resumeToken: request.resumeToken,
        heartbeatMs: heartbeatMs(request),
        passive: request.passive,
      };
      for await (const event of watch(query, context.signal)) yield watchResponse(event);
      // A stream that just returned would end OK, and clients would take the Watch for finished.
      context.signal.throwIfAborted();
    },
  };
}
