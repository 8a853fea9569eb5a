import type { Episode } from "./episodes.ts";
import type { Hour, Outcome } from "./hour.ts";
import type { Judgement } from "./judge.ts";
import { refusalsOf, type Trouble } from "./trouble.ts";

/** The limits that RingCentral names for the groups in which reads and tokens are counted. */
const LIMITS = { light: 50, heavy: 10, auth: 5 };

/** What has to be 0 of a service that is right, however the hour goes; by what a table calls it. */
export function claims({ service, faultCount }: Hour, troubles: readonly Trouble[]): Record<string, number> {
  const { tally, upstream } = service;
  const over = (["light", "heavy", "auth"] as const).filter((group) => upstream.most[group] > LIMITS[group]);
  return {
    "Answers that were wrong, measured numbers included": tally.judged.get("wrong") ?? 0,
    "Answers decided on what was older than `max_age`": tally.tooOld,
    "Answers undecided without a trouble that explains the reason": tally.misplaced,
    "Last known verdicts that were wrong, and other faults":
      faultCount - (tally.judged.get("wrong") ?? 0) - tally.tooOld - tally.misplaced,
    "429 that the script did not throw": Math.max(0, upstream.refusedByLimit - refusalsOf(troubles)),
    "Calls made inside a penalty": upstream.intoPenalty.length,
    "Usage groups with more calls in any 60 s than the limit": over.length,
  };
}

/** The claims as a table. */
export function claimsTable(claimed: Record<string, number>): string {
  return table(
    ["of this service", "in the hour"],
    Object.entries(claimed).map(([name, count]) => [name, number(count)]),
  );
}

/** What became of the Checks of each client. */
export function outcomesTable({ service, naive, seconds }: Hour): string {
  const all = [service, ...naive];
  const row = (name: string, figure: (outcome: Outcome) => string) => [name, ...all.map(figure)];
  const judged = (...kinds: Judgement[]) =>
    row(kinds[0]!, ({ tally }) => number(kinds.reduce((sum, kind) => sum + (tally.judged.get(kind) ?? 0), 0)));
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const perMinute = (count: number) => ((count * 60) / seconds).toFixed(1);
  return table(
    ["", ...all.map(({ name }) => name)],
    [
      row("Checks", ({ tally }) => number(tally.checks)),
      row("decided", ({ tally }) => share(tally.decided, tally.checks)),
      judged("right"),
      judged("right, put together"),
      judged("right but for late news"),
      judged("right but for lost news"),
      judged("right but for members who moved"),
      judged("right but for agents who hide"),
      row("**wrong: accepted**", ({ tally }) => number(tally.wrongAccepted)),
      row("**wrong: rejected**", ({ tally }) => number(tally.wrongRejected)),
      row("undecided", ({ tally }) => number(tally.undecidedInAll)),
      row("decided on what was older than `max_age`", ({ tally }) => number(tally.tooOld)),
      row("the caller does what the truth of that moment says", ({ tally }) =>
        share(tally.checks - tally.missed, tally.checks),
      ),
      row(
        "longest that a queue was without a right decision",
        ({ tally }) => `${Math.round(tally.longest.ms / 1000)} s`,
      ),
      row("calls of RingCentral a minute", ({ upstream }) => perMinute(upstream.calls)),
      row("of these for tokens", ({ upstream }) => perMinute(upstream.authCalls)),
      row("most Light calls in 60 s", ({ upstream }) => number(upstream.most.light)),
      row("429", ({ upstream }) => number(upstream.refused)),
    ],
  );
}

/** What each trouble cost this service. */
export function episodesTable({ episodes }: Hour): string {
  return table(
    ["minute", "trouble", "Checks", "undecided", "the last one after", "reasons"],
    episodes.map(({ trouble, checks, undecided, lastUndecidedAfter, reasons }: Episode) => [
      `${Math.floor(trouble.at / 60)}:${String(trouble.at % 60).padStart(2, "0")}`,
      trouble.lasts > 1 ? `${trouble.name} (${trouble.lasts} s)` : trouble.name,
      number(checks),
      number(undecided),
      undecided === 0 ? "" : `${Math.ceil(lastUndecidedAfter)} s`,
      [...reasons].sort().join(", "),
    ]),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, index) => (index === 0 ? "---" : "---:"));
  return `${[line(head), line(rule), ...rows.map(line)].join("\n")}\n`;
}

function number(count: number): string {
  return count.toLocaleString("en-US");
}
