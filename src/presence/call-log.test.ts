import { expect, test } from "vitest";
import type { UpstreamCall } from "../upstream/attempt-span.ts";
import { CallLog } from "./call-log.ts";

const call = (attempt: number): UpstreamCall => ({
  at: attempt,
  method: "GET",
  path: "/",
  status: 200,
  tookMs: 1,
  reason: undefined,
  rcRequestId: undefined,
  traceId: "",
  attempt,
});

test("CallLog.list() gives the newest 100 calls, newest first, when more were made", () => {
  const log = new CallLog();
  for (let n = 1; n <= 150; n++) log.add(call(n));
  const listed = log.list().map(({ attempt }) => attempt);
  expect(listed).toHaveLength(100);
  expect([listed[0], listed[99]]).toEqual([150, 51]);
});
