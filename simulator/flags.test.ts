import { expect, test } from "vitest";
import { optionsFrom } from "./flags.ts";

test("optionsFrom() has the usual when there are no flags", () => {
  expect(optionsFrom([])).toMatchObject({
    port: 0,
    queues: 2,
    agents: 6,
    layout: "jackson",
    intervalMs: 2000,
    limits: {},
  });
});

test("optionsFrom() makes an app, a load, limits and switches of their flags", () => {
  const flags =
    "--client-id c --client-secret s --jwt j --refresh-tokens --load 30 --news-delay 200 --queues 400 --agents 2000";
  const more = "--queues-per-agent 4 --limit unlimited --limit-auth 9 --switch queueEvents=flat --switch wsTokenTtl=60";
  expect(optionsFrom([...`${flags} ${more}`.split(" "), "--scope", "ReadPresence ReadAccounts"])).toMatchObject({
    apps: [
      {
        clientId: "c",
        clientSecret: "s",
        jwts: [{ jwt: "j", ownerId: "62363425000" }],
        issueRefreshTokens: true,
        scope: "ReadPresence ReadAccounts",
      },
    ],
    load: { callsPerSecond: 30 },
    intervalMs: 0,
    queues: 400,
    agents: 2000,
    queuesPerAgent: 4,
    limits: { light: Number.POSITIVE_INFINITY, auth: 9 },
    switches: { newsDelayMs: 200, queueEvents: "flat", wsTokenTtl: 60 },
  });
});

test("optionsFrom() makes a JWT for each of several users", () => {
  const { apps } = optionsFrom(["--jwt", "j", "--users", "3"]);
  expect(apps?.[0]?.jwts).toEqual([
    { jwt: "j", ownerId: "62363425000" },
    { jwt: "j-2", ownerId: "62363424999" },
    { jwt: "j-3", ownerId: "62363424998" },
  ]);
});
