import { expect, test } from "vitest";
import { parseH2load } from "./h2load.ts";

const PRINTED = `
finished in 701.42ms, 13485.71 req/s, 1.70MB/s
requests: 9440 total, 9568 started, 9440 done, 9440 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 9536 2xx, 0 3xx, 0 4xx, 0 5xx
traffic: 1.19MB (1248512) total, 28.07KB (28748) headers (space savings 95.75%), 931.25KB (953600) data
                     min         max         mean         sd        +/- sd
time for request:     4.90ms     63.76ms      9.36ms      5.72ms    92.88%
`;

test("parseH2load() gives the rate, and all that were answered", () => {
  expect(parseH2load(PRINTED, 100)).toEqual({ perSecond: 13_485.71, answered: 9536 });
});

test("parseH2load() throws when a request failed, or answers are too short to be good ones", () => {
  for (const [good, bad] of [
    ["0 failed", "1 failed"],
    ["0 errored", "1 errored"],
    ["0 timeout", "1 timeout"],
    ["0 5xx", "1 5xx"],
    ["(953600) data", "(9536) data"],
    ["status codes", "no codes"],
  ]) {
    expect(() => parseH2load(PRINTED.replace(good!, bad!), 100)).toThrow("Cannot measure calls");
  }
});
