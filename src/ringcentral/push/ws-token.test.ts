import { expect, test } from "vitest";
import { Secret } from "../../lib/secret.ts";
import { TestClock } from "../../lib/test-clock.ts";
import type { ApiAnswer, ApiCall, CallOptions } from "../calls/call.ts";
import { askWsToken } from "./ws-token.ts";

const exchange = { status: 200, body: "", timings: { budgetMs: 0, connectMs: 0, firstByteMs: 0, bodyMs: 0 } };

/** Asks for a token where RingCentral's API answers with `answer`. */
async function asked(answer: string | ApiAnswer) {
  const clock = new TestClock(1_000);
  const calls: { call: ApiCall; options: CallOptions }[] = [];
  const outcome = await askWsToken(
    async (call, options) => {
      calls.push({ call, options });
      if (typeof answer !== "string") return answer;
      return { ok: true, status: 200, bodyText: "", secretBody: new Secret(answer), headers: {}, sentAt: 0, exchange };
    },
    new AbortController().signal,
    () => clock.now(),
  );
  return { calls, outcome };
}

test("askWsToken() gives where to connect and the token, as a secret", async () => {
  const body = { uri: "wss://gateway.example/ws", ws_access_token: "one-use", expires_in: 30 };
  const { calls, outcome } = await asked(JSON.stringify(body));
  expect(outcome).toEqual({ ok: true, uri: body.uri, token: new Secret("one-use") });
  expect(outcome.ok && outcome.token.reveal()).toBe("one-use");
  expect(calls).toHaveLength(1);
  expect(calls[0]?.call).toMatchObject({ method: "POST", path: "/restapi/oauth/wstoken", group: "auth" });
  // Its trouble is no reason to leave the whole connection alone, and its answer is shown to nobody.
  expect(calls[0]?.options.backsOff).toBe(false);
  expect(calls[0]?.call.secretAnswer).toBe(true);
});

test("askWsToken() hands on why there is none, and until when not to ask", async () => {
  const failure = { reason: "UPSTREAM_PERMISSION_DENIED", message: "no", scope: "question" } as const;
  expect((await asked({ ok: false, failure, until: 5_000 })).outcome).toEqual({ ok: false, failure, until: 5_000 });
});

test.each(["", "[]", '{"uri":"wss://gateway.example/ws"}', '{"uri":7,"ws_access_token":"x"}', "<html>"])(
  "askWsToken() is a bad response when the answer is %j",
  async (body) => {
    const { outcome } = await asked(body);
    expect(outcome).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_BAD_RESPONSE", scope: "question" } });
  },
);
