import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { CheckStreamResponse } from "../../../gen/availability/v1/availability_service_pb.ts";
import { ServiceError } from "../../lib/errors.ts";
import { settle, TestClock } from "../../lib/test-clock.ts";
import { checkStreamHandlers } from "./check-stream.ts";
import { heldChecks, item, requestQueue } from "./test-check-stream.ts";

const BOUND = 4;

type Step =
  | { do: "send"; id: number; destination: string }
  | { do: "answer" | "fail"; which: number }
  | { do: "read" | "settle" | "halfClose" | "cancel" | "breakOff" | "drain" | "leave" };

const destination = fc.constantFrom("cold", "cool", "hot", "missing", "no id");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), id: fc.nat(9), destination }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("answer" as const, "fail" as const), which: fc.nat(5) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant("read" as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("settle" as const) }) },
);
const ending = fc
  .constantFrom("halfClose", "cancel", "breakOff", "drain", "leave")
  .map((how): Step => ({ do: how as "drain" }));

test("checkStream() answers every request it read exactly once, or ends early, whatever happens when", async () => {
  const runs = fc.record({
    before: fc.array(step, { maxLength: 40 }),
    ending,
    after: fc.array(step, { maxLength: 10 }),
  });
  await fc.assert(
    fc.asyncProperty(runs, async ({ before, ending, after }) => {
      const checks = heldChecks();
      const clock = new TestClock();
      const queue = requestQueue();
      const life = new AbortController();
      const { checkStream } = checkStreamHandlers({ check: checks.check, clock, mostUnanswered: BOUND });
      const context = { signal: life.signal, timeoutMs: () => undefined } as unknown as HandlerContext;
      const stream = checkStream(queue.requests, context) as AsyncIterable<CheckStreamResponse>;
      const answers = stream[Symbol.asyncIterator]();

      const sent: string[] = [];
      const got: CheckStreamResponse[] = [];
      let end: "OK" | "error" | undefined;
      let reading = false;
      const read = () => {
        if (reading || end) return;
        reading = true;
        answers.next().then(
          ({ done, value }) => {
            reading = false;
            if (done) end = "OK";
            else got.push(value);
          },
          () => {
            reading = false;
            end = "error";
          },
        );
      };
      const take = async (step: Step) => {
        const one = "which" in step ? checks.held[step.which % Math.max(checks.held.length, 1)] : undefined;
        if (step.do === "send") {
          sent.push(`${step.id}`);
          queue.send(item(`${step.id}`, step.destination));
        } else if (step.do === "answer") one?.answer();
        else if (step.do === "fail") one?.fail(new ServiceError("UNAVAILABLE", "Cannot check: the store is closed"));
        else if (step.do === "read") read();
        else if (step.do === "settle") await settle();
        else if (step.do === "halfClose") queue.halfClose();
        else if (step.do === "cancel") life.abort(new ConnectError("the client cancelled the call", Code.Canceled));
        else if (step.do === "breakOff")
          queue.fail(new ConnectError("Cannot decode the request", Code.InvalidArgument));
        else if (step.do === "leave") await answers.return?.();
        else {
          life.abort(new ServiceError("UNAVAILABLE", "Cannot serve the call: the server is draining"));
          queue.halfClose();
        }
      };
      for (const one of [...before, ending, ...after]) await take(one);

      // Then the answers come, and the client reads to the end.
      for (let turn = 0; end === undefined && turn < 200; turn++) {
        read();
        await clock.advance(100);
        checks.held[0]?.answer();
      }

      expect(end).toBe(ending.do === "breakOff" ? "error" : "OK");
      expect(checks.most).toBeLessThanOrEqual(BOUND);
      expect(checks.held).toEqual([]);
      expect(clock.pending).toBe(0);
      const wasRead = counts(sent.slice(0, queue.state.read));
      const wasAnswered = counts(got.map(({ requestId }) => requestId));
      if (ending.do === "halfClose" || ending.do === "drain") expect(wasAnswered).toEqual(wasRead);
      else for (const [id, times] of wasAnswered) expect(times).toBeLessThanOrEqual(wasRead.get(id)!);
      for (const { outcome } of got) {
        if (outcome.case === "error") expect([3, 5, 8, 14]).toContain(outcome.value.code);
        else expect(["cold", "cool", "hot"]).toContain(outcome.value?.availability?.destinationId);
      }
    }),
    { numRuns: 300 },
  );
});

function counts(ids: readonly string[]): Map<string, number> {
  const result = new Map<string, number>();
  for (const id of [...ids].sort()) result.set(id, (result.get(id) ?? 0) + 1);
  return result;
}
