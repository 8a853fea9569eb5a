import { describe, expect, test } from "vitest";
import { retryAfterMs } from "./retry-after.ts";

const now = Date.UTC(2026, 0, 5, 12);

describe("retryAfterMs()", () => {
  test.each([
    ["60", 60_000],
    [" 1 ", 1_000],
    ["999999999999", 3_600_000],
    ["Mon, 05 Jan 2026 12:00:30 GMT", 30_000],
    ["Tue, 06 Jan 2026 12:00:00 GMT", 3_600_000],
    ["Mon, 05 Jan 2026 11:59:59 GMT", undefined],
    ["0", undefined],
    ["-5", undefined],
    ["1.5", undefined],
    ["soon", undefined],
    ["Soon", undefined],
    ["", undefined],
    [undefined, undefined],
  ])("reads %j as %j", (header, ms) => expect(retryAfterMs(header, now)).toBe(ms));
});
