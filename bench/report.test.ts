import { describe, expect, test } from "vitest";
import { type Figure, meets } from "./figure.ts";
import { printed, type Report } from "./report.ts";

const reads: Figure = { scenario: "economy", name: "reads", value: 8, unit: "", goal: { atMost: 40 } };

function report(figures: Figure[], broken: Report["broken"] = {}): Report {
  return {
    startedAt: "2026-11-22T10:00:00.000Z",
    command: "npm run bench",
    form: "full",
    seconds: 61.4,
    machine: {
      cpu: "Some CPU",
      cores: 2,
      memoryGiB: 8,
      system: "Linux 6",
      pinned: true,
      loadBefore: 0.1,
      loadAfter: 1.5,
    },
    versions: { service: "0.1.0", node: "24.21.0" },
    figures,
    broken,
  };
}

/** The table's cells without their padding, by row; the head, and the rule below it, left out. */
function rowsOf(text: string): string[][] {
  const lines = text.split("\n").filter((line) => line.startsWith("|"));
  return lines.slice(2).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe("meets()", () => {
  test("is met at the goal itself, on either side", () => {
    expect([39, 40, 41].map((value) => meets({ ...reads, value }))).toEqual([true, true, false]);
    expect([39, 40, 41].map((value) => meets({ ...reads, value, goal: { atLeast: 40 } }))).toEqual([false, true, true]);
  });

  test("is short when nothing was measured, and undefined when nothing is asked", () => {
    expect(meets({ ...reads, value: Number.NaN })).toBe(false);
    expect(meets({ scenario: "economy", name: "reads", value: 8, unit: "" })).toBeUndefined();
  });
});

describe("printed()", () => {
  test("says what was run, where, and with which versions", () => {
    const text = printed(report([reads]));
    expect(text).toContain("full run of 2026-11-22T10:00:00.000Z, 61 s: `npm run bench`");
    expect(text).toContain(
      "2 x Some CPU, 8 GiB, Linux 6, servers on a core of their own, load average 0.1 before and 1.5 after",
    );
    expect(text).toContain("service 0.1.0, node 24.21.0");
  });

  test("prints every figure with its goal and whether it is met, and counts the goals", () => {
    const text = printed(
      report([
        reads,
        { ...reads, name: "undecided", value: 3, goal: { atMost: 0 } },
        { ...reads, name: "rate", value: 1_234_567, unit: "/s", goal: { atLeast: 1_000_000 } },
        { scenario: "news", name: "delay", value: 1.23456, unit: "ms", spread: { low: 1, high: 123.4 } },
      ]),
    );
    expect(rowsOf(text)).toEqual([
      ["economy", "reads", "8", "", "at most 40", "met", ""],
      ["economy", "undecided", "3", "", "at most 0", "short", ""],
      ["economy", "rate", "1,234,567 /s", "", "at least 1,000,000 /s", "met", ""],
      ["news", "delay", "1.23 ms", "1 to 123", "", "", ""],
    ]);
    expect(text).toContain("3 goals: 2 met, 1 short");
  });

  test("shows what else was measured beside the figure", () => {
    const { goal: _, ...figure } = reads;
    const rows = rowsOf(printed(report([{ ...figure, series: [10, 99.95], more: { answers: 2 }, note: "by minute" }])));
    expect(rows[0]?.at(-1)).toBe("10, 100; answers 2; by minute");
  });

  test("says what could not be measured, and what broke", () => {
    const text = printed(report([{ ...reads, value: Number.NaN, unit: "x" }], { news: "no answers" }));
    expect(rowsOf(text)[0]?.slice(2, 6)).toEqual(["not measured", "", "at most 40 x", "short"]);
    expect(text).toContain("BROKEN: news: no answers");
  });
});
