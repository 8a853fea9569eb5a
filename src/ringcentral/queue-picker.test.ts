import { expect, test } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { TestClock } from "../lib/test-clock.ts";
import type { CallApi } from "./calls/call.ts";
import { answeredBy } from "./calls/test-call.ts";
import type { Connection } from "./connection.ts";
import { createQueuePicker } from "./queue-picker.ts";

const clock = new TestClock(0);

function picker(call: CallApi | undefined) {
  return createQueuePicker({ clock, connection: () => call && ({ call } as Connection) });
}

async function refusal(call: CallApi | undefined): Promise<ServiceError> {
  const error: unknown = await picker(call)("main").catch((caught: unknown) => caught);
  if (error instanceof ServiceError) return error;
  throw new Error("expected a refusal");
}

test("createQueuePicker() lists the queues, and leaves no timer", async () => {
  const queue = { id: "7", extensionNumber: "3001", name: "Sales", status: "Enabled" };
  const { call, calls } = answeredBy(clock, () => ({ body: { records: [queue] } }));
  expect(await picker(call)("main")).toEqual([queue]);
  expect(calls[0]?.path).toContain("/restapi/v1.0/account/~/call-queues");
  expect(clock.pending).toBe(0);
});

test("createQueuePicker() is UNAVAILABLE with RingCentral's reason when it does not give them", async () => {
  const { call } = answeredBy(clock, () => ({
    status: 403,
    body: { errorCode: "CMN-401", permissionName: "ReadAccounts" },
  }));
  const error = await refusal(call);
  expect(error).toMatchObject({ code: "UNAVAILABLE", metadata: { upstream_reason: "UPSTREAM_PERMISSION_DENIED" } });
  expect(error.message).toMatch(/^Cannot list call queues of connection "main": .*"ReadAccounts"/);
  expect(error.retryDelayMs).toBeUndefined();
});

test("createQueuePicker() says when to ask again where that is known", async () => {
  const failure = { reason: "UPSTREAM_RATE_LIMITED", message: "too many", scope: "budget" } as const;
  const error = await refusal(async () => ({ ok: false, failure, until: clock.now() + 5_000 }));
  expect(error.retryDelayMs).toBe(5_000);
});

test("createQueuePicker() is UNAVAILABLE when the connection is not open", async () => {
  expect((await refusal(undefined)).message).toBe('Cannot list call queues of connection "main": it is not open');
});
