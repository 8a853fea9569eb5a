import { describe, expect, test } from "vitest";
import type { PresenceDocument } from "../acceptance/document.ts";
import type { Reason } from "../lib/reasons.ts";
import type { Answer } from "./answer.ts";
import { type HintContext, hintFor } from "./hints.ts";

const REASONS: Record<Reason, RegExp> = {
  CRITERIA_MET: /^$/,
  CRITERIA_NOT_MET: /^$/,
  PRESENCE_UNKNOWN: /lack a field/,
  CRITERIA_FAILED: /EvaluateAcceptance/,
  UPSTREAM_UNAUTHENTICATED: /token expired/,
  UPSTREAM_PERMISSION_DENIED: /"ReadPresence"/,
  UPSTREAM_NOT_FOUND: /internal id/,
  UPSTREAM_RATE_LIMITED: /50 times a minute/,
  UPSTREAM_TIMEOUT: /longer timeout/,
  UPSTREAM_UNAVAILABLE: /retry_at/,
  UPSTREAM_BAD_RESPONSE: /server_url/,
  NOT_IN_TIME: /max_wait/,
  NOT_OBSERVED_YET: /Check it/,
  DESTINATION_DISABLED: /disabled/,
  OUTSIDE_HOURS: /schedule/,
  OVERRIDDEN: /ClearOverride/,
  DESTINATION_INVALID: /Configure the destination again/,
};

const context = (reason: Reason, given: Partial<Answer> = {}, records: object[] = [{}], queueId = "987654321") =>
  ({
    answer: { reason, agents: undefined, measured: undefined, ...given } as Answer,
    subject: { queue: { queueId }, criteria: { criterion: { kind: "regex" } } },
    document: { records } as unknown as PresenceDocument,
  }) as unknown as HintContext;

describe("hintFor()", () => {
  test.each(Object.entries(REASONS))("says what to do when the reason is %s", (reason, hint) => {
    const records = [{ acceptCurrentQueueCalls: true }, {}];
    expect(hintFor(context(reason as Reason, {}, records))).toMatch(hint);
  });

  test.each([
    ["the queue is empty", context("CRITERIA_NOT_MET", {}, []), /no members/],
    ["only_extensions names nobody", context("CRITERIA_NOT_MET", { agents: { total: 0 } }), /only_extensions/],
    ["nobody accepts", context("CRITERIA_NOT_MET", { agents: { total: 2, accepting: 0 } }), /logged in/],
    [
      "the pattern cannot match",
      context("CRITERIA_NOT_MET", { agents: { total: 2, accepting: 2 }, measured: 0 }),
      /spelling and case/,
    ],
    ["the flag is missing for the whole account", context("PRESENCE_UNKNOWN", {}, [{}, {}]), /not enabled/],
    ["the id is short", context("UPSTREAM_NOT_FOUND", {}, [], "1204"), /"1204" looks like an extension number/],
  ])("says so when %s", (_, given, hint) => {
    expect(hintFor(given)).toMatch(hint);
  });
});
