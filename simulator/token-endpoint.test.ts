import { afterEach, beforeEach, expect, test } from "vitest";
import { type Simulator, type SimulatorOptions, startSimulator } from "./server.ts";
import { TestClient } from "./test-client.ts";
import { TestClock } from "./test-clock.ts";

let simulator: Simulator;
let client: TestClient;
let clock: TestClock;

const unlimited = { light: Number.POSITIVE_INFINITY, auth: Number.POSITIVE_INFINITY };

async function start(options: SimulatorOptions = {}) {
  simulator = await startSimulator({ ...clock.options, limits: unlimited, ...options });
  client = new TestClient(simulator);
}

beforeEach(() => {
  clock = new TestClock();
});
afterEach(async () => {
  await client.close();
  await simulator.close();
});

async function statusWith(token: string) {
  return (await client.get(`/restapi/v1.0/account/~/call-queues/${simulator.world.queueIds[0]}/presence`, { token }))
    .status;
}

const refresh = (refresh_token: string) => client.postForm("token", { grant_type: "refresh_token", refresh_token });

test("token by JWT is answered in the platform's form, and good for as long as it says", async () => {
  await start({ limits: {} });
  const grant = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: simulator.client.jwt };
  const { status, headers, json } = await client.postForm("token", grant);
  expect([status, headers["x-rate-limit-group"], headers["x-rate-limit-remaining"]]).toEqual([200, "auth", "4"]);
  expect(Object.keys(json)).toEqual([
    "access_token",
    "token_type",
    "expires_in",
    "scope",
    "owner_id",
    "endpoint_id",
    "session_id",
  ]);
  expect(json).toMatchObject({
    token_type: "bearer",
    expires_in: 3600,
    scope: "ReadAccounts ReadPresence WebSocketsSubscription",
    owner_id: simulator.client.ownerId,
  });
  clock.advance(3_599_000);
  expect(await statusWith(json.access_token)).toBe(200);
  clock.advance(1000);
  expect(await statusWith(json.access_token)).toBe(401);
  expect(JSON.stringify(simulator.requests)).not.toContain(json.access_token);
});

test.for([
  ["60", 600],
  ["1200", 1200],
  ["99999", 3600],
] as const)("token with access_token_ttl %s is good for %i seconds", async ([access_token_ttl, expected]) => {
  await start();
  expect((await client.login({ access_token_ttl })).expires_in).toBe(expected);
});

test("token has a refresh token when the app issues them, and only the scope that was asked for", async () => {
  await start();
  simulator.oauth.app(simulator.client.clientId).issueRefreshTokens = true;
  expect(await client.login({ scope: "ReadPresence EditPresence", endpoint_id: "e1" })).toMatchObject({
    refresh_token: expect.any(String),
    refresh_token_expires_in: 604_800,
    scope: "ReadPresence",
    endpoint_id: "e1",
  });
});

test("a public client names itself in the body", async () => {
  await start({ apps: [{ clientId: "public", jwts: ["j"] }] });
  const grant = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: "j", client_id: "public" };
  expect((await client.postForm("token", grant, null)).status).toBe(200);
});

test.for([
  [{ grant_type: "client_credentials" }, undefined, 400, "unauthorized_client", "OAU-251"],
  [{ grant_type: "password" }, undefined, 400, "unauthorized_client", "OAU-251"],
  [{ grant_type: "magic" }, undefined, 400, "invalid_request", "OAU-250"],
  [{ grant_type: "refresh_token", refresh_token: "none" }, undefined, 400, "invalid_grant", "OAU-213"],
  [{}, { clientId: "nobody" }, 400, "invalid_client", "OAU-153"],
  [{}, { clientId: "simulated-client", clientSecret: "wrong" }, 401, "invalid_client", "OAU-146"],
  [{}, null, 400, "invalid_client", "OAU-123"],
] as const)("token refuses %o of %o", async ([form, who, status, error, code]) => {
  await start();
  const answer = await client.postForm("token", { ...form }, who);
  expect(answer.status).toBe(status);
  expect(answer.json).toMatchObject({ error, errors: [{ errorCode: code }] });
});

test("token refuses a JWT that is not known or has ended, and what is no form", async () => {
  const app = { clientId: "a", clientSecret: "s", jwts: [{ jwt: "old", expiresAt: clock.now() }] };
  await start({ apps: [app] });
  const code = async (assertion: string) => {
    const grant = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion };
    return (await client.postForm("token", grant, app)).json.errors[0].errorCode;
  };
  expect([await code("old"), await code("other")]).toEqual(["OAU-210", "OAU-213"]);
  const plain = await fetch(`${simulator.origin}/restapi/oauth/token`, { method: "POST", body: "grant_type=x" });
  expect(plain.status).toBe(415);
});

test("client_credentials is refused as unknown, or granted, when the switch says so", async () => {
  await start({ switches: { clientCredentials: "OAU-250" } });
  const ask = () => client.postForm("token", { grant_type: "client_credentials" });
  expect((await ask()).json.error).toBe("invalid_request");
  simulator.switches.clientCredentials = "granted";
  expect(await statusWith((await ask()).json.access_token)).toBe(200);
});

test("refresh_token ends the old access token at once, and brings the same tokens for an hour while they are unused", async () => {
  await start();
  const first = simulator.oauth.issue({ refresh: true });
  const { json: second } = await refresh(first.refreshToken!);
  expect(await statusWith(first.accessToken)).toBe(401);
  clock.advance(59 * 60_000);
  const { json: again } = await refresh(first.refreshToken!);
  expect(again).toMatchObject({
    access_token: second.access_token,
    refresh_token: second.refresh_token,
    expires_in: 60,
  });
  clock.advance(60_000);
  expect((await refresh(first.refreshToken!)).json.errors[0].errorCode).toBe("OAU-213");
  expect((await refresh(second.refresh_token)).status).toBe(200);
});

test("refresh_token brings the same tokens for ten seconds after the new access token was first used", async () => {
  await start();
  const first = simulator.oauth.issue({ refresh: true });
  const { json: second } = await refresh(first.refreshToken!);
  clock.advance(60_000);
  expect(await statusWith(second.access_token)).toBe(200);
  clock.advance(9999);
  expect(await statusWith(second.access_token)).toBe(200);
  expect((await refresh(first.refreshToken!)).json.access_token).toBe(second.access_token);
  clock.advance(1);
  expect((await refresh(first.refreshToken!)).status).toBe(400);
  expect(await statusWith(second.access_token)).toBe(200);
});

test("refresh_token is good for its own app only, and not when it has ended", async () => {
  const other = { clientId: "other", clientSecret: "s" };
  await start({ apps: [other] });
  const { refreshToken } = simulator.oauth.issue({ refresh: true, refreshTtl: 60 });
  const form = { grant_type: "refresh_token", refresh_token: refreshToken! };
  expect((await client.postForm("token", form, other)).json.errors[0].errorCode).toBe("OAU-213");
  clock.advance(60_000);
  expect((await client.postForm("token", form)).json.errors[0].errorCode).toBe("OAU-210");
});

test("token ends the oldest session of a user and app when there is a sixth", async () => {
  await start({ apps: [{ clientId: "other", clientSecret: "s" }] });
  const others = simulator.oauth.issue({ clientId: "other" });
  const tokens = [];
  for (let count = 0; count < 6; count++) tokens.push((await client.login()).access_token);
  const statuses = [];
  for (const token of [...tokens, others.accessToken]) statuses.push(await statusWith(token));
  expect(statuses).toEqual([401, 200, 200, 200, 200, 200, 200]);
});

test("revoke ends the whole session, and minds no unknown token", async () => {
  await start();
  const { accessToken, refreshToken } = simulator.oauth.issue({ refresh: true });
  expect((await client.postForm("revoke", { token: accessToken })).status).toBe(200);
  expect((await client.postForm("revoke", { token: accessToken })).status).toBe(200);
  expect(await statusWith(accessToken)).toBe(401);
  expect((await refresh(refreshToken!)).status).toBe(400);
});

test("expireToken() leaves the refresh token, expireSession() nothing", async () => {
  await start();
  const first = simulator.oauth.issue({ refresh: true });
  const second = simulator.oauth.issue({ refresh: true });
  simulator.oauth.expireToken(first.accessToken);
  expect([await statusWith(first.accessToken), await statusWith(second.accessToken)]).toEqual([401, 200]);
  const renewed = (await refresh(first.refreshToken!)).json;
  simulator.oauth.expireSession(first.sessionId);
  expect([await statusWith(renewed.access_token), await statusWith(second.accessToken)]).toEqual([401, 200]);
  simulator.oauth.expireToken();
  expect(await statusWith(second.accessToken)).toBe(401);
});

test("two tokens of a user and app share a usage group, those of another app and made-up ones do not", async () => {
  await start({ limits: { light: 1, auth: 2 }, apps: [{ clientId: "other", clientSecret: "s" }] });
  const [one, two] = [simulator.oauth.issue().accessToken, simulator.oauth.issue().accessToken];
  const other = simulator.oauth.issue({ clientId: "other" }).accessToken;
  expect([await statusWith(one), await statusWith(two), await statusWith(other)]).toEqual([200, 429, 200]);
  expect(await statusWith(simulator.token)).toBe(200);
  expect(simulator.limits.most("light")).toBe(2);
  expect(simulator.requests.map(({ caller }) => caller)).toEqual([
    "62363425000@simulated-client",
    "62363425000@simulated-client",
    "62363425000@other",
    "static-token-1",
  ]);

  // Token, WebSocket token and revoke are one group.
  const statuses = [
    (await client.wsToken(one)).status,
    (await client.postForm("revoke", { token: "none" })).status,
    (await client.postForm("token", { grant_type: "client_credentials" })).status,
  ];
  expect(statuses).toEqual([200, 200, 429]);
});

test("a fault of the token endpoint has an effect only when an answer was on its way", async () => {
  await start();
  const { accessToken, refreshToken } = simulator.oauth.issue({ refresh: true });
  simulator.faults.add({ kind: "oauth-error", error: "invalid_grant", on: "token" });
  simulator.faults.add({ kind: "reset", on: ["token", "revoke"] }, { kind: "internal-error", on: "any" });
  expect((await refresh(refreshToken!)).json).toMatchObject({ error: "invalid_grant" });
  await expect(refresh(refreshToken!)).rejects.toThrow();
  expect(await statusWith(accessToken)).toBe(500);
  expect(await statusWith(accessToken)).toBe(200);
  simulator.faults.add({ kind: "cut-body", on: "token" });
  await expect(refresh(refreshToken!)).rejects.toThrow();
  expect(await statusWith(accessToken)).toBe(401);
  expect((await refresh(refreshToken!)).status).toBe(200);
});
