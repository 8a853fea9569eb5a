import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ConnectionService } from "../../gen/availability/v1/connection_service_pb.ts";
import { DestinationService } from "../../gen/availability/v1/destination_service_pb.ts";
import { clientsOf } from "./handlers/test-client.ts";
import { createRoutes } from "./routes.ts";

// What the rest of the service does with it is another matter; here nothing stands behind the handlers.
test.each(DestinationService.methods.map(({ localName }) => localName))(
  "createRoutes() has a handler when %s is called",
  async (name) => {
    const { destinations } = clientsOf({});
    const call = (destinations as Record<string, (request: object) => Promise<unknown>>)[name]!;
    const code = await call({}).then(
      () => undefined,
      (error) => error.code,
    );
    expect(code).not.toBe(Code.Unimplemented);
  },
);

test("createRoutes() has no handler yet when a connection is asked about", () => {
  const registered: [service: unknown, names: string[]][] = [];
  const service = (of: unknown, handlers: object) => registered.push([of, Object.keys(handlers)]);
  createRoutes({} as Parameters<typeof createRoutes>[0])({ service } as never);
  expect(registered.find(([of]) => of === ConnectionService)).toEqual([ConnectionService, []]);
});
