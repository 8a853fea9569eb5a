import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import type { Destination } from "../../../gen/availability/v1/destination_pb.ts";
import {
  DeleteDestinationResponseSchema,
  type DestinationService,
  GetDestinationResponseSchema,
  ListDestinationsResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import type { createDelete } from "../../destinations/delete.ts";
import { overrideMessage } from "../../destinations/override-record.ts";
import type { Overrides } from "../../destinations/overrides.ts";
import { type DestinationEntry, notFound, type Registry } from "../../destinations/registry.ts";
import { pageOf, pageSize, parsePageToken } from "../paging.ts";

type Handlers = Pick<
  ServiceImpl<typeof DestinationService>,
  "getDestination" | "listDestinations" | "deleteDestination"
>;

export function destinationHandlers(deps: {
  registry: Pick<Registry, "get" | "page">;
  overrides: Pick<Overrides, "get">;
  remove: ReturnType<typeof createDelete>;
}): Handlers {
  const { registry, overrides, remove } = deps;
  return {
    getDestination({ destinationId }) {
      const entry = registry.get(destinationId);
      if (!entry) throw notFound("get", destinationId);
      return create(GetDestinationResponseSchema, { destination: shown(entry) });
    },

    listDestinations(request) {
      const size = pageSize(request.pageSize);
      const after = parsePageToken(request.pageToken) ?? "";
      // One more than asked for tells whether there is a next page.
      const found = registry.page({ selector: request.labelSelector, after, size: size + 1 });
      const { page, nextPageToken } = pageOf(found, size);
      return create(ListDestinationsResponseSchema, { destinations: page.map(shown), nextPageToken });
    },

    async deleteDestination({ destinationId }) {
      await remove(destinationId);
      return create(DeleteDestinationResponseSchema);
    },
  };

  /** As configured, with the override in force. */
  function shown({ id, message }: DestinationEntry): Destination {
    const override = overrides.get(id);
    return override ? { ...message, override: overrideMessage(override) } : message;
  }
}
