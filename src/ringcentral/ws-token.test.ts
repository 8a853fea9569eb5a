import { expect, test } from "vitest";
import { Secret } from "../lib/secret.ts";
import type { ApiAnswer, ApiCall, CallApi } from "./call.ts";
import { askWsToken } from "./ws-token.ts";

/** What comes of the one call, and the call. */
async function ask(body: string) {
  const calls: ApiCall[] = [];
  const call: CallApi = async (made): Promise<ApiAnswer> => {
    calls.push(made);
    const exchange = { status: 200, body: "", timings: { budgetMs: 0, connectMs: 0, firstByteMs: 0, bodyMs: 0 } };
    return { ok: true, status: 200, bodyText: "", secretBody: new Secret(body), headers: {}, sentAt: 7, exchange };
  };
  const token = await askWsToken(call, new AbortController().signal, () => 7);
  return { token, calls };
}

test("askWsToken() asks for an answer that is a secret, and reads it", async () => {
  const uri = "wss://push.example/ws";
  const { token, calls } = await ask(JSON.stringify({ uri, ws_access_token: "once", expires_in: 30 }));
  expect(calls).toMatchObject([{ method: "POST", path: "/restapi/oauth/wstoken", group: "auth", secretAnswer: true }]);
  expect(token).toMatchObject({ ok: true, uri, expiresInMs: 30_000 });
  expect(token.ok && token.token.reveal()).toBe("once");
});

test.each([
  ["is no JSON", "gone"],
  ["names no address", '{"ws_access_token":"once"}'],
  ["has no token", '{"uri":"wss://push.example/ws","ws_access_token":""}'],
])("askWsToken() quotes nothing of an answer that %s", async (_, body) => {
  const { token } = await ask(body);
  expect(token).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_BAD_RESPONSE" }, until: 7 });
  expect(JSON.stringify(token)).not.toContain("once");
});
