import { Code } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { clientsOf } from "./handlers/test-client.ts";

// What later releases bring.
const LATER = [
  "listTemplates",
  "testDestination",
  "evaluateAcceptance",
  "getPresence",
  "listUpstreamCalls",
  "listAvailabilityHistory",
  "setOverride",
  "clearOverride",
] as const;

test.each(LATER)("createRoutes() answers UNIMPLEMENTED when %s is called", async (name) => {
  const { destinations } = clientsOf({});
  await expect(destinations[name]({})).rejects.toMatchObject({ code: Code.Unimplemented });
});
