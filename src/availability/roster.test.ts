import { expect, test } from "vitest";
import { parseDocument } from "../acceptance/document.ts";
import { agentRecords } from "./roster.ts";

const parsed = parseDocument(
  JSON.stringify({
    records: [
      {
        member: { id: "1", name: "Ann", extensionNumber: "101" },
        acceptQueueCalls: false,
        acceptCurrentQueueCalls: true,
      },
      { extension: { id: 2, extensionNumber: "102" }, presenceStatus: "Busy", dndStatus: null },
    ],
  }),
);
const document = parsed.ok ? parsed.document : expect.fail("the sample is a document");

test("agentRecords() gives what each record says and leaves out the rest when both shapes come", () => {
  expect(agentRecords(document)).toEqual([
    { extensionId: "1", extensionNumber: "101", name: "Ann", acceptQueueCalls: false, acceptCurrentQueueCalls: true },
    { extensionId: "2", extensionNumber: "102", name: "", presenceStatus: "Busy" },
  ]);
});

test("agentRecords() gives only the agents that the destination counts when it names extensions", () => {
  expect(agentRecords(document, new Set(["102"])).map(({ extensionId }) => extensionId)).toEqual(["2"]);
});
