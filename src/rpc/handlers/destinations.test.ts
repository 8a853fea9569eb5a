import { Code } from "@connectrpc/connect";
import { expect, test, vi } from "vitest";
import type { Registry } from "../../destinations/registry.ts";
import { newDestination, startDestinations, TOKEN } from "../../destinations/test-destinations.ts";
import { pageToken } from "../paging.ts";
import { clientsOf } from "./test-client.ts";

async function start(ids: readonly string[] = []) {
  const service = await startDestinations();
  for (const id of ids) await service.configure(newDestination({ id, labels: { first: id[0]! } }));
  return { ...service, ...clientsOf({ registry: service.registry, remove: service.remove }).destinations };
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => `q${String(i).padStart(4, "0")}`);

test("getDestination() answers as configured, without secrets", async () => {
  const { getDestination, registry } = await start(["a"]);
  const { destination } = await getDestination({ destinationId: "a" });
  expect(destination).toEqual(registry.get("a")?.message);
  expect(destination).toMatchObject({ id: "a", revision: 1n, labels: { first: "a" } });
  expect(destination?.timeout).toBeUndefined();
  expect(destination?.template.value).toMatchObject({ access: { case: undefined }, credentialStatus: { kind: 1 } });
  expect(JSON.stringify(destination, (_, value) => (typeof value === "bigint" ? `${value}` : value))).not.toContain(
    TOKEN,
  );
});

test("getDestination() and deleteDestination() are NOT_FOUND when there is no such destination", async () => {
  const { getDestination, deleteDestination } = await start(["a"]);
  for (const [action, call] of [
    ["get", getDestination],
    ["delete", deleteDestination],
  ] as const) {
    await expect(call({ destinationId: "b" })).rejects.toMatchObject({
      code: Code.NotFound,
      rawMessage: `Cannot ${action} destination "b": it does not exist`,
    });
    await expect(call({ destinationId: "b c" })).rejects.toMatchObject({ code: Code.InvalidArgument });
  }
  await deleteDestination({ destinationId: "a" });
  await expect(getDestination({ destinationId: "a" })).rejects.toMatchObject({ code: Code.NotFound });
  await expect(deleteDestination({ destinationId: "a" })).rejects.toMatchObject({ code: Code.NotFound });
});

test("listDestinations() gives pages of 50 unless asked otherwise, in the order of ids", async () => {
  const ids = numbered(120);
  const { listDestinations } = await start(ids.toReversed());
  for (const [size, lengths] of [
    [0, [50, 50, 20]],
    [60, [60, 60]],
    [119, [119, 1]],
    [120, [120]],
    [5000, [120]],
  ] as const) {
    const pages: string[][] = [];
    let token = "";
    do {
      const page = await listDestinations({ pageSize: size, pageToken: token });
      pages.push(page.destinations.map(({ id }) => id));
      token = page.nextPageToken;
    } while (token !== "");
    expect(pages.map((page) => page.length)).toEqual(lengths);
    expect(pages.flat()).toEqual(ids);
  }
});

test("listDestinations() caps a page at 1,000", async () => {
  const page = vi.fn<Registry["page"]>(() => []);
  const registry = { get: () => undefined, page };
  const { destinations } = clientsOf({ registry });
  expect(await destinations.listDestinations({ pageSize: 1001 })).toMatchObject({
    destinations: [],
    nextPageToken: "",
  });
  // One more than the page tells whether there is another.
  expect(page.mock.lastCall).toEqual([{ selector: {}, after: "", size: 1001 }]);
});

test("listDestinations() narrows to labels, over pages, and goes on where it was when destinations come and go", async () => {
  const { listDestinations, configure, remove } = await start(["a1", "a2", "a3", "b1"]);
  const labelSelector = { first: "a" };
  const first = await listDestinations({ labelSelector, pageSize: 2 });
  expect(first.destinations.map(({ id }) => id)).toEqual(["a1", "a2"]);
  await remove("a2");
  await configure(newDestination({ id: "a0", labels: labelSelector }));
  const next = await listDestinations({ labelSelector, pageSize: 2, pageToken: first.nextPageToken });
  expect(next.destinations.map(({ id }) => id)).toEqual(["a3"]);
  expect(next.nextPageToken).toBe("");
  expect((await listDestinations({ labelSelector: { first: "z" } })).destinations).toEqual([]);
});

test("listDestinations() refuses a token or a size that is none", async () => {
  const { listDestinations } = await start(["a"]);
  for (const request of [{ pageToken: "garbage" }, { pageToken: `${pageToken("a")}=` }, { pageSize: -1 }]) {
    await expect(listDestinations(request)).rejects.toMatchObject({ code: Code.InvalidArgument });
  }
  expect((await listDestinations({ pageToken: pageToken("zz") })).destinations).toEqual([]);
});
