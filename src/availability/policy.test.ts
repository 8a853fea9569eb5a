import { describe, expect, test } from "vitest";
import type { Evaluation } from "../acceptance/evaluate.ts";
import type { FailurePolicy } from "../destinations/compile.ts";
import type { Reason } from "../lib/reasons.ts";
import { applyPolicy, type RealVerdict } from "./policy.ts";

const NOW = 1_000_000;
const LIMIT = 30_000;
const unknown: Evaluation = { verdict: "UNDECIDED", reason: "PRESENCE_UNKNOWN", message: "", measured: 1, agents: {} };
const asRead = { evaluation: unknown, observedAt: NOW - 5, source: "LIVE" } as const;

const verdicts: Record<"ACCEPTED" | "REJECTED", Evaluation> = {
  ACCEPTED: { verdict: "ACCEPTED", reason: "CRITERIA_MET", message: "", measured: 2, agents: { total: 2 } },
  REJECTED: { verdict: "REJECTED", reason: "CRITERIA_NOT_MET", message: "", measured: 0, agents: { total: 2 } },
};

/** The last real verdict, so many milliseconds old. */
const known = (verdict: "ACCEPTED" | "REJECTED", age = 10_000): RealVerdict => ({
  evaluation: verdicts[verdict],
  at: NOW - age,
});

const READ: Reason[] = ["PRESENCE_UNKNOWN", "CRITERIA_FAILED"];
const CERTAIN: Reason[] = ["UPSTREAM_NOT_FOUND", "UPSTREAM_PERMISSION_DENIED"];
const TROUBLE: Reason[] = [
  "UPSTREAM_UNAUTHENTICATED",
  "UPSTREAM_RATE_LIMITED",
  "UPSTREAM_TIMEOUT",
  "UPSTREAM_UNAVAILABLE",
  "UPSTREAM_BAD_RESPONSE",
  "NOT_IN_TIME",
];
const NOTHING: Reason[] = ["NOT_OBSERVED_YET", "DESTINATION_INVALID"];
const POLICIES: FailurePolicy["onUndecided"][] = ["LAST_KNOWN", "REJECT", "ACCEPT"];

const none = { accepted: false, source: "NONE", evaluation: undefined, observedAt: undefined, until: undefined };
const read = { accepted: false, source: "LIVE", evaluation: unknown, observedAt: NOW - 5, until: undefined };
const lastKnown = (of: RealVerdict) => ({
  accepted: of.evaluation.verdict === "ACCEPTED",
  source: "LAST_KNOWN",
  evaluation: of.evaluation,
  observedAt: of.at,
  until: of.at + LIMIT,
});

interface Row {
  readonly reasons: Reason[];
  readonly policies: FailurePolicy["onUndecided"][];
  readonly proven: boolean[];
  readonly known: (RealVerdict | undefined)[];
  readonly outcome: object;
}

const [young, rejected, oldest, tooOld] = [
  known("ACCEPTED"),
  known("REJECTED"),
  known("ACCEPTED", LIMIT),
  known("ACCEPTED", LIMIT + 1),
];
const any = [young, rejected, oldest, tooOld, undefined];
const unusable = [tooOld, undefined];

// The rows of the contract's table, top to bottom.
const rows: Row[] = [
  { reasons: READ, policies: ["REJECT", "ACCEPT"], proven: [true, false], known: any, outcome: read },
  { reasons: READ, policies: ["LAST_KNOWN"], proven: [true, false], known: unusable, outcome: read },
  { reasons: CERTAIN, policies: POLICIES, proven: [true, false], known: any, outcome: none },
  { reasons: TROUBLE, policies: ["REJECT"], proven: [true, false], known: any, outcome: none },
  { reasons: TROUBLE, policies: ["ACCEPT"], proven: [false], known: any, outcome: none },
  { reasons: TROUBLE, policies: ["ACCEPT"], proven: [true], known: any, outcome: { ...none, accepted: true } },
  ...[young, rejected, oldest].map((usable) => ({
    reasons: [...READ, ...TROUBLE],
    policies: ["LAST_KNOWN" as const],
    proven: [true, false],
    known: [usable],
    outcome: lastKnown(usable),
  })),
  { reasons: TROUBLE, policies: ["LAST_KNOWN"], proven: [true, false], known: unusable, outcome: none },
  { reasons: NOTHING, policies: POLICIES, proven: [true, false], known: any, outcome: none },
];

const casesOf = ({ reasons, policies, proven, known }: Row) =>
  reasons.flatMap((reason) =>
    policies.flatMap((onUndecided) =>
      proven.flatMap((was) => known.map((lastReal) => ({ reason, onUndecided, proven: was, lastReal }))),
    ),
  );

describe("applyPolicy()", () => {
  test.each(rows.map((row) => ({ row, reasons: row.reasons.join(", "), policies: row.policies.join(", ") })))(
    "gives what the table says when the policy is $policies and the reason $reasons",
    ({ row }) => {
      for (const { reason, onUndecided, proven, lastReal } of casesOf(row)) {
        const policy = { onUndecided, lastKnownLimitMs: LIMIT };
        const given = READ.includes(reason) ? asRead : undefined;
        const outcome = applyPolicy({ reason, policy, lastReal, proven, asRead: given, now: NOW });
        expect(outcome, `${reason} ${onUndecided} ${proven}`).toEqual(row.outcome);
      }
    },
  );

  test("has a row for every undecided reason, policy, proof and last real verdict", () => {
    const reasons = [...READ, ...CERTAIN, ...TROUBLE, ...NOTHING];
    expect(rows.flatMap(casesOf).length).toBe(reasons.length * POLICIES.length * 2 * any.length);
  });
});
