import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, createClient, createRouterTransport } from "@connectrpc/connect";
import { expect, onTestFinished, test } from "vitest";
import { DestinationService } from "../../../gen/availability/v1/destination_service_pb.ts";
import { Overrides } from "../../destinations/overrides.ts";
import type { DestinationEntry } from "../../destinations/registry.ts";
import { TestClock } from "../../lib/test-clock.ts";
import { openSqlite } from "../../stores/sqlite.ts";
import { Lifecycle } from "../guard-lifecycle.ts";
import { createGuards } from "../guards.ts";
import { overrideHandlers } from "./overrides.ts";

/** A client of a service with the destinations "a" and "b". */
async function serve() {
  const clock = new TestClock();
  const overrides = new Overrides({ store: openSqlite(":memory:"), clock });
  onTestFinished(() => overrides.close());
  await overrides.load();
  const entries = ["a", "b"].map((id) => ({ id }) as DestinationEntry);
  const registry = { get: (id: string) => entries.find((entry) => entry.id === id), page: () => entries };
  const lifecycle = new Lifecycle({ clock });
  lifecycle.serve();
  const handlers = overrideHandlers({ registry, overrides, clock });
  const router = { interceptors: createGuards({ validate() {}, lifecycle, clock }) };
  const transport = createRouterTransport((routes) => void routes.service(DestinationService, handlers), { router });
  return { client: createClient(DestinationService, transport), clock, overrides };
}

test("overrideHandlers() sets and clears overrides and answers the ids in order", async () => {
  const { client, clock, overrides } = await serve();
  const expiresAt = timestampFromMs(clock.now() + 60_000);
  const set = await client.setOverride({ destinationIds: ["b", "a"], accepted: true, expiresAt, note: "drill" });
  expect(set.destinationIds).toEqual(["a", "b"]);
  expect(overrides.get("a")).toMatchObject({ accepted: true, note: "drill", setBy: "" });
  expect((await client.clearOverride({ labelSelector: { team: "x" } })).destinationIds).toEqual(["a", "b"]);
  expect(overrides.get("a")).toBeUndefined();
});

test("overrideHandlers() refuses a request with every violation", async () => {
  const { client } = await serve();
  await expect(client.setOverride({})).rejects.toMatchObject({ code: Code.InvalidArgument });
  await expect(client.clearOverride({})).rejects.toMatchObject({ code: Code.InvalidArgument });
  await expect(client.clearOverride({ destinationIds: ["ghost"] })).rejects.toMatchObject({ code: Code.NotFound });
});
