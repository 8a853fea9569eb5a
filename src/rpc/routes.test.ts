import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { ConnectionService } from "../../gen/availability/v1/connection_service_pb.ts";
import { DestinationService } from "../../gen/availability/v1/destination_service_pb.ts";
import { clientsOf } from "./handlers/test-client.ts";

const namesOf = ({ methods }: { methods: readonly { localName: string }[] }) =>
  methods.map(({ localName }) => localName);

// What the rest of the service does with it is another matter; here nothing stands behind the handlers.
test.each([
  ...namesOf(DestinationService).map((name) => ["destinations", name] as const),
  ...namesOf(ConnectionService).map((name) => ["connections", name] as const),
])("createRoutes() has a handler for %s when %s is called", async (service, name) => {
  const client = clientsOf({})[service] as unknown as Record<string, (request: object) => Promise<unknown>>;
  const code = await client[name]!({}).then(
    () => undefined,
    (error) => error.code,
  );
  expect(code).not.toBe(Code.Unimplemented);
});
