import { beforeAll, expect, test } from "vitest";
import { writtenPart } from "../support/docs.ts";
import { type Hour, playHour } from "./hour.ts";
import { claims, claimsTable, episodesTable, outcomesTable } from "./report.ts";
import { HOUR } from "./script.ts";

const BY = "written by test/chaos/hour.test.ts with UPDATE_DOCS=1";
const part = (name: string) => ({
  page: "correctness.md",
  begin: `<!-- ${name}: ${BY} -->`,
  end: `<!-- end of ${name} -->`,
});

let hour: Hour;
beforeAll(async () => {
  hour = await playHour({ seconds: 3_600, troubles: HOUR, seed: 1, naive: true });
});

test("every answer in an hour of trouble is right within its age, or undecided for a reason that is there", () => {
  expect(hour.faults.join("\n\n")).toBe("");
  expect(hour.service.tally.checks).toBeGreaterThan(30_000);
});

test("RingCentral is never asked too much, nor in a penalty", () => {
  const { upstream } = hour.service;
  expect(upstream.intoPenalty).toEqual([]);
  expect(Object.entries(claims(hour, HOUR)).filter(([, count]) => count > 0)).toEqual([]);
});

test("most Checks are decided in spite of all, and all of them where push is well", () => {
  const { decided, checks } = hour.service.tally;
  expect(decided / checks).toBeGreaterThan(0.8);
  const pushStays = ["sockets are closed", "sockets break off", "news come 1.5 s late", "news come out of order"];
  const spared = hour.episodes.filter(({ trouble }) => pushStays.includes(trouble.name));
  expect(spared.map(({ trouble, undecided }) => [trouble.name, undecided])).toEqual(pushStays.map((name) => [name, 0]));
});

test("naive clients of the same hour are wrong, each in its own way", () => {
  for (const { tally } of hour.naive) expect(tally.wrongAccepted + tally.wrongRejected).toBeGreaterThan(1_000);
});

test("docs/correctness.md claims what holds; UPDATE_DOCS=1 writes it", async () => {
  const text = claimsTable(claims(hour, HOUR));
  expect(await writtenPart(part("the claims"), text)).toBe(text);
});

// Numbers may differ by a few from machine to machine, so that the page keeps those of the run that wrote it.
test("docs/correctness.md shows the figures of a run; UPDATE_DOCS=1 writes them", async () => {
  for (const [name, text] of [
    ["the outcomes", outcomesTable(hour)],
    ["the troubles", episodesTable(hour)],
  ] as const) {
    const shown = await writtenPart(part(name), text);
    expect(rowsOf(shown)).toEqual(rowsOf(text));
  }
});

/** The first cells of a table's rows that are words. */
function rowsOf(text: string): string[] {
  return text.split("\n").map((line) =>
    line
      .split("|")
      .slice(1, 3)
      .filter((cell) => /[a-z]{3}/.test(cell))
      .join("|"),
  );
}
