import { expect, test } from "vitest";
import { printIn } from "./layouts.ts";

const answer = { records: [{ member: { id: "1" }, acceptQueueCalls: true }, { x: [] }], paging: { page: 1 }, none: {} };

test("printIn() prints as RingCentral does when the layout is JACKSON", () => {
  expect(printIn("JACKSON", answer)).toBe(`{
  "records" : [ {
    "member" : {
      "id" : "1"
    },
    "acceptQueueCalls" : true
  }, {
    "x" : [ ]
  } ],
  "paging" : {
    "page" : 1
  },
  "none" : { }
}`);
});

test("printIn() gives each record a line of its own when the layout is RECORD_PER_LINE", () => {
  expect(printIn("RECORD_PER_LINE", answer)).toBe(`{"records": [
{"member": {"id": "1"}, "acceptQueueCalls": true},
{"x": []}
], "paging": {"page": 1}, "none": {}}`);
});
