import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type DestinationService,
  ListTemplatesResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import { TEMPLATES } from "../../templates/catalogue.ts";
import { pageOf, pageSize, parsePageToken } from "../paging.ts";

export function templateHandlers(): Pick<ServiceImpl<typeof DestinationService>, "listTemplates"> {
  return {
    listTemplates(request) {
      const after = parsePageToken(request.pageToken) ?? "";
      const rest = TEMPLATES.filter(({ id }) => id > after);
      const { page, nextPageToken } = pageOf(rest, pageSize(request.pageSize));
      return create(ListTemplatesResponseSchema, {
        templates: page.map((template) => ({ ...template, fields: [...template.fields] })),
        nextPageToken,
      });
    },
  };
}
