import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AvailabilityService,
  ConfigureResponseSchema,
} from "../../../gen/availability/v1/availability_service_pb.ts";
import type { createConfigure } from "../../destinations/configure.ts";
import type { Warning } from "../../lib/errors.ts";
import { preparedRequest } from "../convert-explanation.ts";

export function configureHandlers({
  configure,
  demandWarnings,
}: {
  configure: ReturnType<typeof createConfigure>;
  /** What is to be expected of a destination where its connection is asked for more than RingCentral allows. */
  demandWarnings: (destinationId: string) => readonly Warning[];
}): Pick<ServiceImpl<typeof AvailabilityService>, "configure"> {
  return {
    async configure({ destination, validateOnly, expectedRevision }) {
      const configured = await configure({ destination, validateOnly, expectedRevision });
      return create(ConfigureResponseSchema, {
        destination: configured.destination,
        effective: configured.effective,
        request: preparedRequest(configured.request),
        warnings: [...configured.warnings, ...demandWarnings(configured.destination.id)],
      });
    },
  };
}
