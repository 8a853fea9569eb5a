import { expect, test } from "vitest";
import type { PushFilter } from "./push-event.ts";
import { filterKey, filterPath, keyOfPath } from "./push-filters.ts";

test.each<[PushFilter, string, string]>([
  [{ kind: "queue", accountId: "~", queueId: "12" }, "/restapi/v1.0/account/~/call-queues/12/presence", "queue:12"],
  [
    { kind: "extension", accountId: "5", extensionId: "9" },
    "/restapi/v1.0/account/5/extension/9/presence",
    "extension:9",
  ],
  [{ kind: "account", accountId: "~" }, "/restapi/v1.0/account/~/presence", "account"],
])("a filter's path and back again, with the real account: %j", (filter, path, key) => {
  expect([filterPath(filter), filterKey(filter)]).toEqual([path, key]);
  expect([
    keyOfPath(path),
    keyOfPath(path.replace("~", "77")),
    keyOfPath(`${path}?detailedTelephonyState=true`),
  ]).toEqual([key, key, key]);
});

test.each([
  "",
  "/restapi/v1.0/account/~/call-queues/12/presence/x",
  "/restapi/v1.0/account/~/call-queues/x/presence",
  "/restapi/v1.0/account/~/extension/9/presence/dnd",
  "x/restapi/v1.0/account/~/presence",
])("keyOfPath() does not know %j", (path) => {
  expect(keyOfPath(path)).toBeUndefined();
});
