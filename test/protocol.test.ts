import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES, DIFFERENCES } from "./protocol-cases.ts";
import { writtenPart } from "./support/docs.ts";
import type { Case } from "./support/protocol-case.ts";
import { type RunningService, startService } from "./support/service.ts";

const PART = {
  page: "api.md",
  begin: "<!-- protocol cases: written by test/protocol.test.ts with UPDATE_DOCS=1 -->",
  end: "<!-- end of the protocol cases -->",
};
const AN_HOUR = 3_600_000;

let service: RunningService;
const observed = new Map<Case, string>();

beforeAll(async () => {
  service = await startService();
  const [, slowQueue] = service.simulator.world.queueIds;
  service.simulator.faults.add({ kind: "hang", queueId: slowQueue!, times: Number.POSITIVE_INFINITY });
  await service.configure({ id: "sales", maxAgeMs: AN_HOUR });
  await service.configure({ id: "slow", queueId: slowQueue!, maxAgeMs: AN_HOUR, timeoutMs: 60_000 });
  await service.check("sales");
});

afterAll(async () => {
  service.simulator.faults.release();
  await service.stop();
});

describe.each([...new Set(CASES.map(({ area }) => area))])("%s", (area) => {
  test.each(CASES.filter((one) => one.area === area).map((one) => [one.name, one.way, one] as const))(
    "%s, %s: gets what is asked for, or differs for a reason",
    async (_, __, one) => {
      const seen = await one.run(service);
      observed.set(one, seen);
      if (DIFFERENCES[keyOf(one)] === undefined)
        expect(one.holds(seen), `asked for ${one.expected}, observed ${seen}`).toBe(true);
      else expect(one.holds(seen), "there is a reason for a difference, and none is observed").toBe(false);
    },
  );
});

test("the service answers as before after all of that", async () => {
  expect(await service.check("sales")).toMatchObject({ accepted: true, reason: 1 });
  expect(
    service.simulator.requests.filter(({ path }) => path.includes(service.simulator.world.queueIds[0]!)),
  ).toHaveLength(1);
});

test("every reason for a difference is one of a case", () => {
  const known = CASES.map(keyOf);
  for (const key of Object.keys(DIFFERENCES)) expect(known).toContain(key);
});

test("the table in docs/api.md is what was observed; UPDATE_DOCS=1 writes it", async () => {
  expect(observed.size).toBe(CASES.length);
  expect(await writtenPart(PART, tables())).toBe(tables());
});

/** One table per area; ways with the same outcome share a row. */
function tables(): string {
  const areas = Map.groupBy(CASES, ({ area }) => area);
  return [...areas].map(([area, cases]) => `### ${area}\n\n${tableOf(cases)}\n`).join("\n");
}

function tableOf(cases: readonly Case[]): string {
  const rows = Map.groupBy(cases, (one) =>
    [one.name, one.expected, verdictOn(one)].map((text) => text.replaceAll("|", "\\|")).join(" | "),
  );
  const lines = [...rows].map(([row, those]) => {
    const [name, ...rest] = row.split(" | ");
    return `| ${[name, those.map(({ way }) => way).join(", "), ...rest].join(" | ")} |`;
  });
  return ["| what is sent | how | asked for | observed |", "|---|---|---|---|", ...lines].join("\n");
}

function verdictOn(one: Case): string {
  const seen = observed.get(one)!;
  if (one.holds(seen)) return seen === one.expected ? "the same" : seen;
  return `**differs**: ${seen} (${DIFFERENCES[keyOf(one)]})`;
}

function keyOf({ name, way }: Case): string {
  return `${name}, ${way}`;
}
