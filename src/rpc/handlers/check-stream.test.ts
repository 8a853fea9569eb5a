import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import type { CheckStreamResponse } from "../../../gen/availability/v1/availability_service_pb.ts";
import { ServiceError } from "../../lib/errors.ts";
import { settle, TestClock } from "../../lib/test-clock.ts";
import { checkStreamHandlers } from "./check-stream.ts";
import { bareItem, brief, heldChecks, item, requestQueue } from "./test-check-stream.ts";

/** A CheckStream without a server around it, read by hand. */
function open(options: { mostUnanswered?: number; timeoutMs?: number } = {}) {
  const checks = heldChecks();
  const clock = new TestClock();
  const queue = requestQueue();
  const life = new AbortController();
  const { checkStream } = checkStreamHandlers({ ...options, check: checks.check, clock });
  const context = { signal: life.signal, timeoutMs: () => options.timeoutMs };
  const stream = checkStream(queue.requests, context as HandlerContext) as AsyncIterable<CheckStreamResponse>;
  const answers = stream[Symbol.asyncIterator]();
  return {
    ...queue,
    checks,
    clock,
    life,
    answers,
    /** The next `count` answers. */
    async take(count: number): Promise<string[]> {
      const all: string[] = [];
      while (all.length < count) all.push(brief((await answers.next()).value));
      return all;
    },
    drain() {
      life.abort(new ServiceError("UNAVAILABLE", "Cannot serve the call: the server is draining"));
      // As the guards do.
      queue.halfClose();
    },
  };
}

describe("checkStream()", () => {
  test("answers in the order the answers are known", async () => {
    const { send, take, checks } = open();
    send(item("1", "cold"), item("2", "cool"), item("3", "hot"));
    expect(await take(1)).toEqual(["3: hot"]);
    checks.held[1]!.answer();
    checks.held[0]!.answer();
    expect(await take(2)).toEqual(["2: cool", "1: cold"]);
  });

  test("goes on reading requests when an answer is waited for", async () => {
    const { send, take, checks } = open();
    const first = take(1);
    send(item("1", "cold"));
    await settle();
    send(item("2", "hot"));
    expect(await first).toEqual(["2: hot"]);
    expect(checks.held).toHaveLength(1);
  });

  test("gives the same answer object for the same answer, so that it is encoded once", async () => {
    const { send, answers } = open();
    send(item("1", "hot"), item("2", "hot"));
    const [first, second] = [(await answers.next()).value, (await answers.next()).value];
    expect(first.outcome.value).toBe(second.outcome.value);
  });

  test.each([
    ["the id is empty", { requestId: "", check: { destinationId: "hot" } }, ": error 3 request_id REQUIRED"],
    [
      "the id has more than 64 bytes",
      { requestId: "é".repeat(33), check: { destinationId: "hot" } },
      `${"é".repeat(33)}: error 3 request_id TOO_LONG`,
    ],
    ["there is no check", { requestId: "a" }, "a: error 3 check REQUIRED"],
    [
      "several rules are broken, all of them",
      { requestId: "", check: { destinationId: "no id", maxAge: { seconds: -1n } } },
      ": error 3 request_id REQUIRED, check.destination_id INVALID_FORMAT, check.max_age OUT_OF_RANGE",
    ],
    [
      "an explanation is asked for",
      { requestId: "a", check: { destinationId: "hot", explain: true } },
      "a: error 3 check.explain UNSUPPORTED",
    ],
    ["the destination does not exist", { requestId: "a", check: { destinationId: "missing" } }, "a: error 5"],
  ])("answers an item with its own error and lives on when %s", async (_, bad, error) => {
    const { send, take, halfClose, answers } = open();
    send(bareItem(bad), item("64-bytes".repeat(8), "hot"));
    halfClose();
    expect(await take(2)).toEqual([error, `${"64-bytes".repeat(8)}: hot`]);
    expect(await answers.next()).toEqual({ done: true, value: undefined });
  });

  test("answers an item with INTERNAL and without the text when its check fails unforeseen", async () => {
    const { send, answers, checks } = open();
    send(item("1", "cold"));
    const next = answers.next();
    await settle();
    checks.held[0]!.fail(new Error("the database password is hunter2"));
    expect((await next).value.outcome.value).toMatchObject({ code: Code.Internal, message: "internal error" });
  });

  test("refuses a request_id that is in flight, answers the first, and then takes the id again", async () => {
    const { send, take, checks } = open();
    send(item("1", "cold"), item("1", "hot"));
    expect(await take(1)).toEqual(["1: error 3 request_id DUPLICATE"]);
    checks.held[0]!.answer();
    expect(await take(1)).toEqual(["1: cold"]);
    send(item("1", "hot"));
    expect(await take(1)).toEqual(["1: hot"]);
  });

  test("refuses the item over the bound with RESOURCE_EXHAUSTED, and takes the next when one was answered", async () => {
    const { send, take, checks } = open();
    for (let i = 0; i < 1024; i++) send(item(`${i}`, "cold"));
    send(item("over", "hot"));
    expect(await take(1)).toEqual(["over: error 8"]);
    checks.held[5]!.answer();
    expect(await take(1)).toEqual(["5: cold"]);
    send(item("after", "hot"));
    expect(await take(1)).toEqual(["after: hot"]);
    expect(checks.most).toBe(1024);
  });

  test("does not count what is answered at once against the bound", async () => {
    const { send, take } = open({ mostUnanswered: 1 });
    send(item("1", "cold"));
    const refused = take(1);
    send(item("2", "hot"));
    expect(await refused).toEqual(["2: error 8"]);
    const other = open({ mostUnanswered: 1 });
    other.send(...Array.from({ length: 100 }, (_, i) => item(`${i}`, "hot")));
    expect((await other.take(100)).filter((text) => text.includes("error"))).toEqual([]);
  });

  test("answers all, then ends OK, when the client half-closes", async () => {
    const { send, take, halfClose, checks, answers } = open();
    send(item("1", "cold"), item("2", "cool"));
    halfClose();
    const both = take(2);
    await settle();
    for (const one of [...checks.held]) one.answer();
    expect(await both).toEqual(["1: cold", "2: cool"]);
    expect(await answers.next()).toEqual({ done: true, value: undefined });
  });

  test("reads nothing while nobody reads the answers", async () => {
    const { send, take, state, checks } = open();
    send(...Array.from({ length: 50 }, (_, i) => item(`${i}`, "cold")));
    send(...Array.from({ length: 50 }, (_, i) => item(`hot ${i}`, "hot")));
    await settle();
    expect(state.read).toBe(0);
    expect(await take(1)).toEqual(["hot 0: hot"]);
    for (const one of [...checks.held]) one.answer();
    await settle();
    expect(state.read).toBe(51);
    // What is known is given before more is read.
    expect((await take(50)).at(-1)).toBe("49: cold");
    expect(state.read).toBe(51);
  });

  test("detaches every waiting check and ends when the client leaves", async () => {
    const { send, life, checks, answers, state, clock } = open();
    send(item("1", "cold"), item("2", "cool"));
    const next = answers.next();
    await settle();
    expect(checks.held).toHaveLength(2);
    life.abort(new ConnectError("the client cancelled the call", Code.Canceled));
    expect(await next).toEqual({ done: true, value: undefined });
    expect(checks.held).toEqual([]);
    expect(state.left).toBe(true);
    expect(clock.pending).toBe(0);
  });

  test("detaches every waiting check when its reader returns", async () => {
    const { send, take, checks, answers, state } = open();
    send(item("1", "cold"), item("2", "hot"));
    await take(1);
    await answers.return?.();
    expect(checks.held).toEqual([]);
    expect(state.left).toBe(true);
    expect(await answers.next()).toEqual({ done: true, value: undefined });
  });

  test("gives what is known, then the error, and detaches the rest when what came was no request", async () => {
    const { send, fail, take, answers, checks } = open();
    send(item("1", "cold"), item("2", "cool"), item("3", "hot"));
    await take(1);
    fail(new ConnectError("Cannot decode the request", Code.InvalidArgument));
    checks.held[0]!.answer();
    await settle();
    expect(await take(1)).toEqual(["1: cold"]);
    await expect(answers.next()).rejects.toMatchObject({ code: Code.InvalidArgument });
    expect(checks.held).toEqual([]);
  });

  test("answers what was read when the server drains, then ends, and leaves no timer", async () => {
    const { send, take, drain, checks, answers, clock } = open();
    send(item("1", "cold"), item("2", "hot"));
    await take(1);
    drain();
    await clock.advance(4999);
    expect(checks.held).toHaveLength(1);
    checks.held[0]!.answer();
    expect(await take(1)).toEqual(["1: cold"]);
    expect(await answers.next()).toEqual({ done: true, value: undefined });
    expect(clock.pending).toBe(0);
  });

  test("answers from memory what is not known a while after the drain began", async () => {
    const { send, take, drain, checks, answers, clock } = open();
    send(item("1", "cold"), item("2", "cool"), item("3", "hot"));
    await take(1);
    drain();
    await clock.advance(5000);
    // What comes after that comes too late.
    for (const one of [...checks.held]) one.answer();
    await settle();
    const { value } = await answers.next();
    expect(value.outcome.value?.availability).toMatchObject({ destinationId: "cold" });
    expect(checks.queries.at(-1)).toMatchObject({ destinationId: "cool", maxWaitMs: 0 });
    expect(await take(1)).toEqual(["2: cool"]);
    expect(await answers.next()).toEqual({ done: true, value: undefined });
    expect(checks.held).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  test("gives each check the stream's remaining time", async () => {
    const { send, answers, checks } = open({ timeoutMs: 1234 });
    send(item("1", "cold"));
    void answers.next();
    await settle();
    expect(checks.held[0]!.caller.timeoutMs()).toBe(1234);
  });
});
