import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { Secret } from "../../lib/secret.ts";
import { TestClock } from "../../lib/test-clock.ts";
import { upstreamAttempted } from "../../telemetry/events.ts";
import { createAllowList } from "../../upstream/allow-list.ts";
import { createDispatcher } from "../../upstream/dispatcher.ts";
import { createHttpClient } from "../../upstream/http-client.ts";
import { reset, startServer } from "../../upstream/test-server.ts";
import { type AuthBudget, createTokenEndpoint, type Grant, type TokenResult } from "./token-endpoint.ts";

vi.mock("../../telemetry/events.ts", () => ({ upstreamAttempted: vi.fn<typeof upstreamAttempted>() }));

const closers: (() => Promise<void>)[] = [];
beforeEach(() => void vi.mocked(upstreamAttempted).mockClear());
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const SECRET = "cl1ent/s3cret";
const jwt: Grant = { kind: "jwt", secret: new Secret("head.pay+load.sign") };
const refresh: Grant = { kind: "refresh_token", secret: new Secret("r3fresh") };
const credentials: Grant = { kind: "client_credentials" };

interface Asked {
  readonly grant?: Grant;
  readonly clientSecret?: string | undefined;
  readonly blocked?: ReturnType<AuthBudget["blocked"]>;
  readonly clock?: Clock;
}

/** Asks a server once; everything that was told of it on the way is in `told`. */
async function ask(answer: Parameters<typeof startServer>[0], asked: Asked = {}) {
  const { grant = jwt, clientSecret = SECRET, blocked, clock = systemClock } = asked;
  const bodies: Promise<string>[] = [];
  const server = await startServer((response, number, request) => {
    bodies.push(text(request));
    answer(response, number, request);
  });
  const dispatcher = createDispatcher({ allowList: createAllowList([server.origin]) });
  closers.push(
    () => server.close(),
    () => dispatcher.destroy(),
  );
  const told: unknown[][] = [];
  const budget: AuthBudget = {
    blocked: () => blocked,
    spend: (now) => void told.push(["spend", now]),
    observe: (state) => void told.push(["observe", state]),
    limited: (failure) => void told.push(["limited", failure.retryAfterMs]),
  };
  const access = { clientId: "app-1", clientSecret: clientSecret === "" ? undefined : new Secret(clientSecret) };
  const http = createHttpClient({ dispatcher, clock, random: () => 0 });
  const result = await createTokenEndpoint({ http, clock, origin: server.origin, access, budget })(grant);
  return { result, server, told, form: new URLSearchParams(await bodies[0]) };
}

const issued = {
  access_token: "acc3ss",
  token_type: "bearer",
  expires_in: 3600,
  refresh_token: "n3xt",
  refresh_token_expires_in: 604800,
  scope: "ReadAccounts ReadPresence",
  owner_id: "979428000",
  endpoint_id: "x",
  session_id: "y",
};
const failed = (reason: string, said: string) => ({
  ok: false,
  failure: { reason, scope: "connection", message: expect.stringContaining(said) },
});

describe("asking for a token", () => {
  test("presents a JWT with the app's secret, and reads all that is given", async () => {
    const { result, server, form, told } = await ask((response) =>
      response
        .writeHead(200, { "X-Rate-Limit-Group": "auth", "X-Rate-Limit-Limit": "5", "X-Rate-Limit-Remaining": "4" })
        .end(JSON.stringify(issued)),
    );
    const [request] = server.requests;
    expect([request?.method, request?.url]).toEqual(["POST", "/restapi/oauth/token"]);
    expect(request?.headers).toMatchObject({
      authorization: `Basic ${Buffer.from(`app-1:${SECRET}`).toString("base64")}`,
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
    });
    expect(Object.fromEntries(form)).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: "head.pay+load.sign",
    });
    if (!result.ok) throw new Error(result.failure.message);
    const { accessToken, refreshToken, issuedAt, ...rest } = result.issued;
    expect([accessToken.reveal(), refreshToken?.reveal()]).toEqual(["acc3ss", "n3xt"]);
    expect(rest).toEqual({
      expiresAt: issuedAt + 3_600_000,
      refreshExpiresAt: issuedAt + 604_800_000,
      scope: ["ReadAccounts", "ReadPresence"],
      ownerId: "979428000",
    });
    const state = { group: "auth", limit: 5, left: 4, windowSeconds: 60 };
    expect(told).toEqual([
      ["spend", issuedAt],
      ["observe", state],
    ]);
  });

  test("presents a refresh token, and client credentials, and names a public app in the body", async () => {
    const ok: Parameters<typeof startServer>[0] = (response) => response.end('{"access_token":"a","expires_in":1}');
    const refreshed = await ask(ok, { grant: refresh });
    expect(Object.fromEntries(refreshed.form)).toEqual({ grant_type: "refresh_token", refresh_token: "r3fresh" });
    const granted = await ask(ok, { grant: credentials });
    expect(Object.fromEntries(granted.form)).toEqual({ grant_type: "client_credentials" });
    const open = await ask(ok, { grant: refresh, clientSecret: "" });
    expect(open.form.get("client_id")).toBe("app-1");
    expect(open.server.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  test("takes an answer that holds no more than it must", async () => {
    const { result } = await ask((response) => response.end('{"access_token":"a","expires_in":1.5}'));
    expect(result).toMatchObject({
      issued: { refreshToken: undefined, refreshExpiresAt: undefined, scope: undefined, ownerId: undefined },
    });
  });

  test("takes a refresh token that is given back as it was sent", async () => {
    const same = { ...issued, refresh_token: "r3fresh" };
    const { result } = await ask((response) => response.end(JSON.stringify(same)), { grant: refresh });
    expect(result.ok && result.issued.refreshToken?.reveal()).toBe("r3fresh");
  });

  test.each([
    ["", "not a JSON object"],
    ["<html>", "not a JSON object"],
    ["[]", "not a JSON object"],
    ['{"expires_in":3600}', "no access token"],
    ['{"access_token":"","expires_in":3600}', "no access token"],
    ['{"access_token":"a b","expires_in":3600}', "no access token"],
    ['{"access_token":"a\\r\\nX: y","expires_in":3600}', "no access token"],
    ['{"access_token":"acc3ss"}', "how long"],
    ['{"access_token":"acc3ss","expires_in":"3600"}', "how long"],
    ['{"access_token":"acc3ss","expires_in":-1}', "how long"],
    ['{"access_token":"acc3ss","expires_in":3600,"token_type":"mac"}', "type bearer"],
    ['{"access_token":"acc3ss","expires_in":3600,"refresh_token":7}', "refresh token"],
  ])("is a bad response when 200 comes with %j", async (body, said) => {
    const { result, told } = await ask((response) => response.end(body));
    expect(result).toMatchObject(failed("UPSTREAM_BAD_RESPONSE", said));
    expect(JSON.stringify(result)).not.toContain("acc3ss");
    expect(told.at(-1)).toEqual(["observe", undefined]);
  });
});

describe("a refusal says what to do", () => {
  const error = (error: string, errorCode: string, message: string) => ({
    error,
    error_description: message,
    errors: [{ errorCode, message }],
  });
  test.each<[Grant, number, object, string, boolean]>([
    [credentials, 400, error("unauthorized_client", "OAU-251", "Unauthorized for this grant type"), "use a JWT", true],
    [credentials, 400, error("invalid_request", "OAU-250", "Unsupported grant type"), "use a JWT credential", true],
    [jwt, 400, error("unauthorized_client", "OAU-251", "Unauthorized for this grant type"), "JWT auth flow", true],
    [refresh, 400, error("invalid_grant", "OAU-210", "Token expired"), "configure a new refresh token", true],
    [refresh, 400, error("invalid_grant", "OAU-213", "Token not found"), "configure a new refresh token", true],
    [refresh, 400, { error: "invalid_grant" }, "configure a new refresh token", true],
    [jwt, 400, error("invalid_grant", "OAU-999", "Bad assertion"), "configure a new one", true],
    [jwt, 400, error("invalid_client", "OAU-153", "Invalid client: app-1"), "no app of this client id", false],
    [jwt, 401, error("invalid_client", "OAU-146", "Invalid client credentials"), "do not belong together", false],
    [jwt, 400, error("invalid_client", "OAU-123", "Client authentication is required"), "client secret", false],
    [jwt, 400, { errors: [{ errorCode: "OAU-147", message: "x" }] }, "locked", true],
    [jwt, 400, { errors: [{ errorCode: "OAU-236", message: "x" }] }, "disabled or frozen", true],
    [jwt, 400, { errorCode: "OAU-777", message: "Something new" }, "refuses the credential", true],
  ])("when %o gets %i %j", async (grant, status, body, said, grantRefused) => {
    const { result } = await ask((response) => response.writeHead(status).end(JSON.stringify(body)), { grant });
    expect(result).toMatchObject({ ...failed("UPSTREAM_UNAUTHENTICATED", said), grantRefused });
    expect(!result.ok && result.failure.message).toMatch(
      new RegExp(String.raw`^Cannot get an access token: .*\(HTTP ${status} (OAU-\d+, ".*"|invalid_grant)\)$`),
    );
  });

  test("when the rate is exceeded, and tells the budget for how long", async () => {
    const limit = { "X-Rate-Limit-Group": "auth", "X-Rate-Limit-Limit": "5", "X-Rate-Limit-Remaining": "0" };
    const { result, told } = await ask((response) =>
      response.writeHead(429, { ...limit, "Retry-After": "42" }).end('{"errorCode":"CMN-301","message":"x"}'),
    );
    expect(result).toMatchObject({
      failure: { reason: "UPSTREAM_RATE_LIMITED", scope: "connection", retryAfterMs: 42_000 },
      grantRefused: false,
    });
    expect(told.slice(1)).toEqual([
      ["observe", undefined],
      ["limited", 42_000],
    ]);
    const edge = await ask((response) => response.writeHead(429).end("429 Too Many Requests."));
    expect(edge.told.at(-1)).toEqual(["limited", undefined]);
  });

  test.each([
    [503, "", "UPSTREAM_UNAVAILABLE"],
    [500, "{}", "UPSTREAM_UNAVAILABLE"],
    [404, "<html>", "UPSTREAM_BAD_RESPONSE"],
    [415, "", "UPSTREAM_BAD_RESPONSE"],
    [400, "<html>proxy</html>", "UPSTREAM_BAD_RESPONSE"],
    [302, "", "UPSTREAM_BAD_RESPONSE"],
  ])("when %i comes, not knowing why", async (status, body, reason) => {
    const { result, server } = await ask((response) =>
      response.writeHead(status, { Location: "/there", "Retry-After": "7" }).end(body),
    );
    expect(result).toMatchObject({ ...failed(reason, "Cannot get an access token: "), grantRefused: false });
    expect(!result.ok && result.failure.retryAfterMs).toBe(status >= 500 ? 7_000 : undefined);
    expect(server.requests).toHaveLength(1);
  });

  test("when no answer comes", async () => {
    expect((await ask(reset)).result).toMatchObject(failed("UPSTREAM_UNAVAILABLE", "closed before it answered"));
    const clock = new TestClock();
    const { result } = await ask(() => void clock.advance(10_000), { clock });
    expect(result).toMatchObject(failed("UPSTREAM_TIMEOUT", "in time"));
    expect(clock.pending).toBe(0);
  });

  test("and calls nobody when the budget is spent", async () => {
    const failure = { reason: "UPSTREAM_RATE_LIMITED", scope: "connection", message: "spent" } as const;
    const { result, server, told } = await ask(() => {}, { blocked: { failure, until: 7 } });
    expect(result).toEqual({ ok: false, grantRefused: false, failure, until: 7 });
    expect(server.requests).toHaveLength(0);
    expect(told).toEqual([]);
  });
});

test("no secret gets into a result, an event or a printed answer, whatever the server says", async () => {
  const results: TokenResult[] = [];
  const basic = Buffer.from(`app-1:${SECRET}`).toString("base64");
  for (const grant of [jwt, refresh, credentials]) {
    const sent = grant.kind === "client_credentials" ? "" : grant.secret.reveal();
    const said = `no ${SECRET} ${encodeURIComponent(SECRET)} ${basic} ${sent} ${encodeURIComponent(sent)}`;
    for (const [status, body] of [
      [200, JSON.stringify(issued)],
      [200, JSON.stringify({ ...issued, expires_in: said })],
      [400, JSON.stringify({ error: "invalid_grant", error_description: said, errors: [{ message: said }] })],
      [401, said],
      [500, said],
    ] as const) {
      results.push(
        (await ask((response) => response.writeHead(status, { RCRequestId: basic }).end(body), { grant })).result,
      );
    }
  }
  const events = vi.mocked(upstreamAttempted).mock.calls;
  expect(events).toHaveLength(15);
  expect(events[0]?.[0]).toMatchObject({ method: "POST", path: "/restapi/oauth/token", outcome: "OK" });
  const all = inspect([results, events], { depth: 9 }) + JSON.stringify([results, events]);
  for (const secret of [SECRET, encodeURIComponent(SECRET), basic, "head.pay", "r3fresh", "acc3ss", "n3xt"]) {
    expect(all).not.toContain(secret);
  }
});
