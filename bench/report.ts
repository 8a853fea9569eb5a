import { type Figure, type Goal, meets } from "./figure.ts";
import type { Machine } from "./machine.ts";

/** A whole run, as it is written to JSON. */
export interface Report {
  readonly startedAt: string;
  readonly command: string;
  /** The short form shows that everything runs; its figures are of little worth. */
  readonly form: "full" | "short";
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly figures: readonly Figure[];
  /** What broke, by scenario: then the run failed. A goal that was missed is none of these. */
  readonly broken: Readonly<Record<string, string>>;
}

/** The report as a person reads it: Markdown, aligned, so that it can be printed and kept. */
export function printed(report: Report): string {
  const { machine, versions, figures, broken } = report;
  const goals = figures.filter(({ goal }) => goal);
  const met = goals.filter(meets).length;
  return [
    `${report.form} run of ${report.startedAt}, ${Math.round(report.seconds)} s: \`${report.command}\``,
    `Machine: ${machine.cores} x ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, servers ${machine.pinned ? "on a core of their own" : "not pinned"}, load average ${machine.loadBefore} before and ${machine.loadAfter} after`,
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    "",
    ...table(figures),
    "",
    `${goals.length} goals: ${met} met, ${goals.length - met} short`,
    ...Object.entries(broken).map(([scenario, why]) => `BROKEN: ${scenario}: ${why}`),
  ].join("\n");
}

const HEAD = ["scenario", "figure", "value", "spread", "goal", "", "more"];

function table(figures: readonly Figure[]): string[] {
  const rows = [HEAD, ...figures.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |`;
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  return [line(HEAD), rule, ...rows.slice(1).map(line)];
}

function row(figure: Figure): string[] {
  const { scenario, name, value, unit, spread, goal, series, more = {}, note } = figure;
  const details = [
    series && `${series.map(amount).join(", ")} ${unit}`.trimEnd(),
    ...Object.entries(more).map(([what, number]) => `${what} ${amount(number)}`),
    note,
  ];
  return [
    scenario,
    name,
    Number.isNaN(value) ? "not measured" : `${amount(value)} ${unit}`.trimEnd(),
    spread ? `${amount(spread.low)} to ${amount(spread.high)}` : "",
    goal ? goalText(goal, unit) : "",
    { true: "met", false: "short", undefined: "" }[String(meets(figure)) as "true" | "false" | "undefined"],
    details.filter(Boolean).join("; "),
  ];
}

function goalText(goal: Goal, unit: string): string {
  const text = "atMost" in goal ? `at most ${amount(goal.atMost)}` : `at least ${amount(goal.atLeast)}`;
  return `${text} ${unit}`.trimEnd();
}

/** Three digits that say something, more for counts. */
function amount(value: number): string {
  if (Number.isNaN(value)) return "not measured";
  if (Number.isInteger(value)) return value.toLocaleString("en-US");
  return value >= 100 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(3)));
}
