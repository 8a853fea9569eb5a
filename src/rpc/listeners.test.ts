import { EventEmitter, once } from "node:events";
import { Code, type HandlerContext } from "@connectrpc/connect";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../gen/google/rpc/error_details_pb.ts";
import { ServiceError } from "../lib/errors.ts";
import {
  clientOf,
  collect,
  DUPLEX,
  echo,
  failureOf,
  type Implementation,
  startBoth,
  TRANSPORTS,
} from "./test-listeners.ts";

const seen = new EventEmitter();
let judged: string[] = [];

const implementation: Implementation = {
  async check({ destinationId: id }, context) {
    if (id === "missing") throw new ServiceError("NOT_FOUND", `Cannot check "${id}": it does not exist, naïvely`);
    if (id === "broken") throw new Error("the database password is hunter2");
    if (id === "hang") await hang(context);
    context.responseHeader.set("x-answer", context.requestHeader.get("x-question") ?? "none");
    context.responseTrailer.set("x-after", "trailing");
    return { availability: { destinationId: id, accepted: true, message: String(context.timeoutMs() ?? "none") } };
  },
  async *watch({ destinationIds: [id = "all"] }, context) {
    context.responseHeader.set("x-answer", "watch");
    try {
      yield { event: { case: "synced", value: {} }, resumeToken: id };
      if (id === "broken") throw new Error("the database password is hunter2");
      if (id === "short") return;
      await hang(context);
    } finally {
      seen.emit("left", id, context.signal.reason);
    }
  },
  async *checkStream(requests) {
    for await (const { requestId, check } of requests) {
      judged.push(requestId);
      if (check?.destinationId === "broken") throw new ServiceError("RESOURCE_EXHAUSTED", "Cannot go on: enough");
      yield echo(requestId);
    }
  },
};

async function hang({ signal }: HandlerContext): Promise<never> {
  seen.emit("hanging");
  if (!signal.aborted) await once(signal, "abort");
  seen.emit("aborted", signal.reason);
  throw signal.reason;
}

let both: Awaited<ReturnType<typeof startBoth>>;

beforeAll(async () => {
  both = await startBoth(implementation);
});

afterAll(() => both.stop());

beforeEach(() => {
  judged = [];
});

describe.each(TRANSPORTS)("listeners, %s", (name) => {
  const client = () => clientOf(both.transports[name]!());

  test("a handler's answer arrives, with headers in and out", async () => {
    let header = new Headers();
    const headers = { "x-question": "why" };
    const answer = await client().check({ destinationId: "q" }, { headers, onHeader: (h) => (header = h) });
    expect(answer.availability).toMatchObject({ destinationId: "q", accepted: true, message: "none" });
    expect(header.get("x-answer")).toBe("why");
    if (!name.includes("gRPC port")) expect(header.get("cache-control")).toBe("no-store");
  });

  test("trailers arrive", async () => {
    let trailer = new Headers();
    await client().check({ destinationId: "q" }, { onTrailer: (t) => (trailer = t) });
    expect(trailer.get("x-after")).toBe("trailing");
  });

  test("a ServiceError arrives with its code, text and details", async () => {
    const error = await failureOf(client().check({ destinationId: "missing" }));
    expect(error.code).toBe(Code.NotFound);
    expect(error.rawMessage).toBe('Cannot check "missing": it does not exist, naïvely');
    expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({ domain: "availability.v1", reason: "NOT_FOUND" });
  });

  test("an unforeseen error arrives as INTERNAL without its text", async () => {
    for (const call of [
      () => client().check({ destinationId: "broken" }),
      () => collect(client().watch({ destinationIds: ["broken"] })),
    ]) {
      const error = await failureOf(call());
      expect(error.code).toBe(Code.Internal);
      expect(error.rawMessage).toBe("internal error");
    }
  });

  test("a bad request is refused with its violations before the handler, on streams too", async () => {
    for (const call of [
      () => client().check({ destinationId: "" }),
      () => collect(client().watch({ destinationIds: [""] })),
    ]) {
      const error = await failureOf(call());
      expect(error.code).toBe(Code.InvalidArgument);
      const [violation] = error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
      expect(violation?.reason).toBe("REQUIRED");
      expect(violation?.field).toMatch(/^destination_id/);
    }
  });

  test("a method that is not implemented answers UNIMPLEMENTED", async () => {
    expect((await failureOf(client().configure({}))).code).toBe(Code.Unimplemented);
  });

  test("the handler sees the remaining time", async () => {
    const answer = await client().check({ destinationId: "q" }, { timeoutMs: 60_000 });
    const left = Number(answer.availability?.message);
    expect(left).toBeGreaterThan(50_000);
    expect(left).toBeLessThanOrEqual(60_000);
  });

  test("a deadline aborts the handler's signal", async () => {
    const aborted = once(seen, "aborted");
    const error = await failureOf(client().check({ destinationId: "hang" }, { timeoutMs: 100 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await aborted;
  });

  test("a client's cancel aborts the handler's signal", async () => {
    const control = new AbortController();
    const hanging = once(seen, "hanging");
    const call = failureOf(client().check({ destinationId: "hang" }, { signal: control.signal }));
    await hanging;
    const aborted = once(seen, "aborted");
    control.abort();
    expect((await call).code).toBe(Code.Canceled);
    expect((await aborted)[0]).toMatchObject(name.includes("gRPC port") ? { code: Code.Canceled } : {});
  });

  test("a stream's messages and headers arrive and its end is OK", async () => {
    let header = new Headers();
    const answers = await collect(client().watch({ destinationIds: ["short"] }, { onHeader: (h) => (header = h) }));
    expect(answers.map((answer) => answer.event.case)).toEqual(["synced"]);
    expect(header.get("x-answer")).toBe("watch");
  });

  test("a client that leaves a stream runs the handler's finally", async () => {
    const control = new AbortController();
    const left = once(seen, "left");
    const call = (async () => {
      for await (const _ of client().watch({ destinationIds: ["gone"] }, { signal: control.signal })) control.abort();
    })();
    expect((await failureOf(call)).code).toBe(Code.Canceled);
    expect((await left)[0]).toBe("gone");
  });
});

describe.each(DUPLEX)("listeners, both ways, %s", (name) => {
  const client = () => clientOf(both.transports[name]!());

  test("answers keep the order of their requests, and half-close ends OK", async () => {
    const ids = Array.from({ length: 500 }, (_, i) => `r${i}`);
    const requests = (async function* () {
      for (const requestId of ids) yield { requestId, check: { destinationId: "" } };
    })();
    const answers = await collect(client().checkStream(requests));
    expect(answers.map((answer) => answer.requestId)).toEqual(ids);
    expect(judged).toEqual(ids);
  });

  test("each answer arrives before the next request is made", async () => {
    const answered = new EventEmitter();
    const requests = (async function* () {
      for (const requestId of ["a", "b", "c"]) {
        const answer = once(answered, requestId);
        yield { requestId };
        await answer;
      }
    })();
    const order: string[] = [];
    for await (const { requestId } of client().checkStream(requests)) {
      order.push(requestId);
      answered.emit(requestId);
    }
    expect(order).toEqual(["a", "b", "c"]);
  });

  test("an error in the middle arrives after the answers before it", async () => {
    const requests = (async function* () {
      yield { requestId: "a" };
      yield { requestId: "b", check: { destinationId: "broken" } };
      await new Promise(() => {});
    })();
    const order: string[] = [];
    const call = (async () => {
      for await (const { requestId } of client().checkStream(requests)) order.push(requestId);
    })();
    expect((await failureOf(call)).code).toBe(Code.ResourceExhausted);
    expect(order).toEqual(["a"]);
  });
});
