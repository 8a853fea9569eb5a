import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { type CriteriaSpec, compileCriteria, defaultCriteria } from "../acceptance/criteria.ts";
import { type PresenceDocument, parseDocument } from "../acceptance/document.ts";
import { createExplainer, MAX_SHOWN_BYTES } from "../acceptance/explain.ts";
import { TestClock } from "../lib/test-clock.ts";
import type { Answer } from "./answer.ts";
import { type Evidence, type ExplainDeps, explain } from "./explain.ts";

const TOKEN = "U0pDMTFQMDFQQVMwMHxBQUFB/+=";
const explainer = createExplainer({ clock: new TestClock() });
afterAll(() => explainer.close());

const MET: Answer = {
  destinationId: "a",
  accepted: true,
  verdict: "ACCEPTED",
  reason: "CRITERIA_MET",
  message: "1 matches, needs more than 0",
  measured: 1,
  agents: undefined,
  availableAgents: undefined,
  observedAt: 1,
  validUntil: 2,
  source: "CACHE",
  destinationRevision: 1n,
  version: 1n,
  retryAt: undefined,
};

function criteria(spec: CriteriaSpec) {
  const result = compileCriteria(spec, { field: "acceptance", onlyExtensions: [], detail: "QUEUE" });
  return "violations" in result ? expect.fail(result.violations[0]?.description) : result.criteria;
}

function subject(given: { spec?: CriteriaSpec; origin?: string } = {}) {
  const { spec = defaultCriteria, origin = "https://platform.ringcentral.com" } = given;
  return {
    criteria: criteria(spec),
    queue: { origin, accountId: "~", queueId: "400123", onlyExtensions: [] },
  };
}

function documentOf(json: object): PresenceDocument {
  const parsed = parseDocument(JSON.stringify(json));
  return parsed.ok ? parsed.document : expect.fail(parsed.problem);
}

const agent = (name: string, accepts = true) => ({
  member: { id: "7", name, extensionNumber: "101" },
  acceptQueueCalls: true,
  acceptCurrentQueueCalls: accepts,
});

/** What is explained of an answer to a Check that waited for nothing, and of no presence unless given. */
function explained(given: Partial<Evidence> = {}, deps: Partial<ExplainDeps> = {}) {
  const evidence = { answer: MET, subject: subject(), document: undefined, exchange: undefined, waitMs: undefined };
  return explain({ ...evidence, ...given }, { clock: new TestClock(), explainer, ...deps });
}

const exchange = (body: string, status = 200) => ({
  status,
  body,
  timings: { budgetMs: 4, connectMs: 1, firstByteMs: 2, bodyMs: 3 },
});

describe("explain() shows the request", () => {
  test("as it goes out, the token as a placeholder", async () => {
    const { request, curl } = await explained();
    const url = "https://platform.ringcentral.com/restapi/v1.0/account/~/call-queues/400123/presence";
    expect(request).toMatchObject({ method: "GET", url });
    expect(request?.headers).toContainEqual(["Authorization", "Bearer [token]"]);
    expect(curl).toContain(`-H "Authorization: Bearer $TOKEN"`);
    expect(JSON.stringify({ request, curl })).not.toContain(TOKEN);
  });

  // What a shell makes of the line is what curl would be given.
  test.each([
    ["of RingCentral", "https://platform.ringcentral.com"],
    ["with all that a shell knows", "http://a'$(echo hurt);b`echo hurt`.example"],
  ])("as a line that a shell takes as it is meant when the server is one %s", async (_, origin) => {
    const { request, curl } = await explained({ subject: subject({ origin }) });
    const script = `curl() { printf '%s\\n' "$@"; }; ${curl}`;
    const words = execFileSync("/bin/sh", ["-c", script], { encoding: "utf8", env: { TOKEN } }).trimEnd().split("\n");
    const headers = request!.headers.map(([name, value]) => `${name}: ${value.replace("[token]", TOKEN)}`);
    expect(words).toEqual(["-i", ...headers.flatMap((header) => ["-H", header]), request!.url]);
  });

  test("not when nothing is asked", async () => {
    expect(await explained({ subject: undefined })).toMatchObject({ request: undefined, curl: "", status: 0 });
  });
});

describe("explain() shows RingCentral's answer", () => {
  test("with its status, body and where the time went", async () => {
    const document = documentOf({ records: [agent("Ann")] });
    const clock = new TestClock();
    const slow: ExplainDeps["explainer"] = {
      async explain(...given) {
        await clock.advance(5);
        return explainer.explain(...given);
      },
    };
    const shown = await explained(
      { document, exchange: exchange(document.raw), waitMs: 10 },
      { clock, explainer: slow },
    );
    expect(shown).toMatchObject({ status: 200, responseBody: document.raw, truncated: false });
    const timings = { waitMs: 10, budgetMs: 4, connectMs: 1, firstByteMs: 2, bodyMs: 3, evaluateMs: 5 };
    expect(shown.timings).toEqual(timings);
  });

  test("with no phase that did not happen", async () => {
    const shown = await explained({ document: documentOf({ records: [] }) });
    expect(Object.keys(shown.timings)).toEqual(["evaluateMs"]);
    expect((await explained()).timings).toEqual({});
    expect(shown).toMatchObject({ status: 0, responseBody: '{"records":[]}' });
  });

  test("with what a failure said, and nothing about criteria", async () => {
    const answer = { ...MET, verdict: "UNDECIDED", reason: "UPSTREAM_NOT_FOUND", message: "Cannot read" } as const;
    const shown = await explained({ answer, exchange: exchange("no such queue", 404) });
    expect(shown).toMatchObject({ status: 404, responseBody: "no such queue", acceptance: undefined });
    expect(shown.sentence).toBe("Cannot read");
    expect(shown.hint).toMatch(/internal id/);
  });

  test.each([
    ["ends in the middle of a character of two bytes", "é", 1],
    ["ends in the middle of one of four", "😀", 2],
    ["ends between two characters", "a", 0],
  ])("cut at 256 KiB when that %s", async (_, character, leftOver) => {
    const body = "x".repeat(MAX_SHOWN_BYTES - leftOver) + character.repeat(10);
    const { responseBody, truncated } = await explained({ exchange: exchange(body) });
    expect(truncated).toBe(true);
    expect(responseBody).toBe("x".repeat(MAX_SHOWN_BYTES - leftOver));
  });

  test("whole when it is 256 KiB exactly", async () => {
    const body = "é".repeat(MAX_SHOWN_BYTES / 2);
    expect(await explained({ exchange: exchange(body) })).toMatchObject({ responseBody: body, truncated: false });
  });
});

describe("explain() shows what the criteria found", () => {
  test("as canonical text, matches in bytes, a result per record and a sentence", async () => {
    const document = documentOf({ records: [agent("Zoë"), agent("Bob", false), agent("Cy")] });
    const { acceptance, sentence } = await explained({ document });
    expect(sentence).toBe("2 of 3 agents match; more than 0 are needed: accepted");
    const bytes = Buffer.from(acceptance!.canonicalText);
    const texts = acceptance!.matches.map(({ start, end }) => bytes.toString("utf8", start, end));
    expect(texts).toEqual(['"acceptCurrentQueueCalls": true', '"acceptCurrentQueueCalls": true']);
    expect(acceptance!.records.map(({ name, matched }) => [name, matched])).toEqual([
      ["Zoë", true],
      ["Bob", false],
      ["Cy", true],
    ]);
  });

  test("and says that it is the last known verdict when it is", async () => {
    const document = documentOf({ records: [agent("Ann")] });
    const reason = "UPSTREAM_UNAVAILABLE";
    const answer = { ...MET, verdict: "UNDECIDED", reason, message: "Cannot read", source: "LAST_KNOWN" } as const;
    const shown = await explained({ answer, document, exchange: exchange("oops", 503) });
    expect(shown).toMatchObject({ status: 503, responseBody: "oops" });
    expect(shown.sentence).toBe("Cannot read; the last known verdict is used");
    expect(shown.acceptance?.records).toMatchObject([{ name: "Ann", matched: true }]);
  });
});
