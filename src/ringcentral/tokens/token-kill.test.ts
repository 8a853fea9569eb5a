import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startServer, type TestServer } from "../../upstream/test-server.ts";

let directory: string;
let server: TestServer;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "tokens-"));
});
afterEach(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

/**
 * A token endpoint as RingCentral describes it: every refresh token is used once, and until the access token that came of
 * it is used, the same refresh token gives the same answer again.
 */
async function startEndpoint() {
  const presented: string[] = [];
  const given = new Map<string, { access: string; next: string }>();
  let current = "configured";
  server = await startServer((response, _, request) => {
    if (request.url !== "/restapi/oauth/token") {
      const access = request.headers.authorization?.replace("Bearer ", "");
      for (const [old, answer] of given) if (answer.access === access) given.delete(old);
      return response.end("{}");
    }
    void text(request).then((body) => {
      const token = new URLSearchParams(body).get("refresh_token") ?? "";
      presented.push(token);
      if (token === current) {
        given.set(token, { access: `access-of-${token}`, next: `${token}+` });
        current = `${token}+`;
      }
      const answer = given.get(token);
      if (!answer) return response.writeHead(400).end('{"error":"invalid_grant"}');
      const { access, next } = answer;
      response.end(JSON.stringify({ access_token: access, expires_in: 3600, refresh_token: next }));
    });
  });
  return presented;
}

/**
 * A process with a token source over a store on the disk. It gets a token, uses it and says so; where `killAt` is
 * "answer" it stops between the answer and the save, to be killed there.
 */
async function run(killAt: "answer" | "never"): Promise<string> {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    import { systemClock } from ${url("../../lib/clock.ts")};
    import { createKeyring } from ${url("../../lib/sealing.ts")};
    import { Secret } from ${url("../../lib/secret.ts")};
    import { openSqlite } from ${url("../../stores/sqlite.ts")};
    import { createAllowList } from ${url("../../upstream/allow-list.ts")};
    import { createDispatcher } from ${url("../../upstream/dispatcher.ts")};
    import { createHttpClient } from ${url("../../upstream/http-client.ts")};
    import { RenewingToken } from ${url("./renewing-token.ts")};
    import { createTokenEndpoint } from ${url("./token-endpoint.ts")};
    import { createTokenStore } from ${url("./token-store.ts")};
    const origin = ${JSON.stringify(server.origin)};
    const clock = systemClock;
    const dispatcher = createDispatcher({ allowList: createAllowList([origin]) });
    const access = { kind: "refresh_token", clientId: "app", clientSecret: undefined, grant: new Secret("configured") };
    const budget = { blocked: () => undefined, spend() {}, observe() {}, limited() {} };
    const http = createHttpClient({ dispatcher, clock });
    const sqlite = openSqlite(${JSON.stringify(join(directory, "store.db"))});
    const store = { get: (key) => sqlite.get(key), delete: (key, options) => sqlite.delete(key, options), async put(...given) {
      if (${JSON.stringify(killAt)} === "answer") {
        console.log("answered");
        await new Promise((resolve) => setTimeout(resolve, 60_000));
      }
      return await sqlite.put(...given);
    } };
    const keyring = createKeyring([new Uint8Array(32).fill(1)]);
    const tokens = new RenewingToken({
      access,
      ask: createTokenEndpoint({ http, clock, origin, access, budget }),
      store: createTokenStore({ store, keyring, key: "con-1", identity: "credential-1" }),
      clock,
      connection: "con-1",
    });
    const outcome = await tokens.get(AbortSignal.timeout(20_000));
    if (outcome.ok) await fetch(origin + "/use", { headers: { Authorization: "Bearer " + outcome.token.reveal() } });
    console.log(outcome.ok ? outcome.token.reveal() : outcome.failure.message);
    setTimeout(() => {}, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const [line] = await once(createInterface(child.stdout), "line");
  child.kill("SIGKILL");
  await exited;
  return line as string;
}

test("a process that is killed between a rotation's answer and its save costs nothing: the next one gets a token", async () => {
  const presented = await startEndpoint();
  expect(await run("answer")).toBe("answered");
  expect(await run("answer")).toBe("answered");
  // Nobody used what came of it, so the old refresh token still gives the same.
  expect(await run("never")).toBe("access-of-configured");
  expect(presented).toEqual(["configured", "configured", "configured"]);
});

test("a process that is killed after the save goes on with what was saved", async () => {
  const presented = await startEndpoint();
  expect(await run("never")).toBe("access-of-configured");
  expect(await run("never")).toBe("access-of-configured");
  expect(presented).toEqual(["configured"]);
});
