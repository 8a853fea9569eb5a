import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  ClearOverrideResponseSchema,
  type DestinationService,
  SetOverrideResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import { createClearOverride, createSetOverride } from "../../destinations/set-override.ts";

type Handlers = Pick<ServiceImpl<typeof DestinationService>, "setOverride" | "clearOverride">;

export function overrideHandlers(deps: Parameters<typeof createSetOverride>[0]): Handlers {
  const set = createSetOverride(deps);
  const clear = createClearOverride(deps);
  return {
    async setOverride(request) {
      // Callers are not authenticated, so who sets it is not known.
      return create(SetOverrideResponseSchema, { destinationIds: await set(request, "") });
    },

    async clearOverride(request) {
      return create(ClearOverrideResponseSchema, { destinationIds: await clear(request) });
    },
  };
}
