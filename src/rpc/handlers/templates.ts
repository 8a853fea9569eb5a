import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type DestinationService,
  ListTemplatesResponseSchema,
} from "../../../gen/availability/v1/destination_service_pb.ts";
import { TEMPLATES } from "../../templates/catalogue.ts";
import { pageSize, pageToken, parsePageToken } from "../paging.ts";

export function templateHandlers(): Pick<ServiceImpl<typeof DestinationService>, "listTemplates"> {
  return {
    listTemplates(request) {
      const after = parsePageToken(request.pageToken) ?? "";
      const rest = TEMPLATES.filter(({ id }) => id > after);
      const page = rest.slice(0, pageSize(request.pageSize));
      const last = page.at(-1);
      const nextPageToken = last && page.length < rest.length ? pageToken(last.id) : "";
      return create(ListTemplatesResponseSchema, {
        templates: page.map((template) => ({ ...template, fields: [...template.fields] })),
        nextPageToken,
      });
    },
  };
}
