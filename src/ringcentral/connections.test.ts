import { describe, expect, test } from "vitest";
import type { Access } from "../connections/credentials.ts";
import { Secret } from "../lib/secret.ts";
import { settle, TestClock } from "../lib/test-clock.ts";
import { BackOffs } from "../upstream/backoff.ts";
import type { HttpRequest, HttpResult } from "../upstream/http-client.ts";
import { Budgets } from "./calls/budgets.ts";
import { Turn } from "./calls/turn.ts";
import type { Connection } from "./connection.ts";
import { type ConnectionSource, connectionSource, namedConnection } from "./connection-source.ts";
import { Connections } from "./connections.ts";
import { createPastedToken } from "./tokens/pasted-token.ts";
import type { TokenSource } from "./tokens/token-source.ts";
import type { TokenOwner } from "./tokens/token-sources.ts";

const ORIGIN = "https://platform.example";

const pasted = (token: string): Access => ({ kind: "bearer_token", token: new Secret(token) });
const client = (clientId: string, grant: string): Access => ({
  kind: "jwt",
  clientId,
  clientSecret: undefined,
  grant: new Secret(grant),
});

function start() {
  const clock = new TestClock(0);
  const backOffs = new BackOffs();
  const budgets = new Budgets(clock);
  const requests: HttpRequest[] = [];
  const http = {
    async send(request: HttpRequest): Promise<HttpResult> {
      requests.push(request);
      const timings = { connectMs: 0, firstByteMs: 0, bodyMs: 0 };
      return { kind: "response", status: 200, headers: {}, bodyText: "{}", sentAt: clock.now(), timings, attempts: 1 };
    },
  };
  /** Token sources in the order in which they were made; the first token of each names its owner. */
  const made: { readonly source: ConnectionSource; closed: boolean; own(ownerId: string): void }[] = [];
  const tokens = (source: ConnectionSource, owner: TokenOwner): TokenSource => {
    const { access } = source;
    const token = access.kind === "bearer_token" ? access.token : access.grant!;
    let status = createPastedToken(token).status;
    const one = {
      source,
      closed: false,
      own(ownerId: string) {
        status = { ...status, ownerId };
        owner.onRenewed();
      },
    };
    made.push(one);
    return {
      ...createPastedToken(token),
      get status() {
        return status;
      },
      close() {
        one.closed = true;
      },
    };
  };
  const connections = new Connections({ clock, backOffs, budgets, http, tokens });
  return {
    connections,
    budgets,
    made,
    clock,
    requests,
    /** Calls once over a connection; the token that went with it. */
    async tokenOf(connection: Connection): Promise<string | undefined> {
      const call = { method: "GET", path: "/x", route: "/x", group: "light", action: "read" } as const;
      const { signal } = new AbortController();
      await connection.call(call, { timeUp: signal, deadline: () => 1, turn: new Turn("check") });
      return new Map(requests.at(-1)!.headers).get("Authorization")?.replace("Bearer ", "");
    },
  };
}

const hq = (access: Access) => namedConnection("hq", ORIGIN, access);
const HQ = hq(pasted("")).key;

describe("open()", () => {
  test("gives everybody who asks over a connection the same one, and ends it after the last release", () => {
    const { connections, made } = start();
    const source = hq(pasted("t"));
    const connection = connections.open(source);
    expect(connections.open(source)).toBe(connection);
    expect(connections.get(HQ)).toBe(connection);
    connections.release(connection);
    expect([made[0]?.closed, connections.get(HQ)]).toEqual([false, connection]);
    connections.release(connection);
    expect([made[0]?.closed, connections.get(HQ)]).toEqual([true, undefined]);
    expect(connections.open(source)).not.toBe(connection);
  });

  test("keeps apart what has another credential, origin or name", () => {
    const { connections } = start();
    const key = Buffer.alloc(32);
    const sources = [
      connectionSource(key, ORIGIN, pasted("t")),
      connectionSource(key, ORIGIN, pasted("u")),
      connectionSource(key, "https://other.example", pasted("t")),
      hq(pasted("t")),
      namedConnection("branch", ORIGIN, pasted("t")),
      namedConnection("hq", "https://other.example", pasted("t")),
    ];
    expect(new Set(sources.map((source) => connections.open(source))).size).toBe(6);
  });

  test("never lets an old connection's release end a new one", () => {
    const { connections } = start();
    const old = connections.open(hq(pasted("t")));
    connections.release(old);
    const now = connections.open(hq(pasted("t")));
    connections.release(old);
    expect(connections.get(HQ)).toBe(now);
  });
});

describe("release()", () => {
  test("keeps what was spent until it no longer counts", async () => {
    const { connections, budgets, clock, tokenOf } = start();
    const first = connections.open(hq(pasted("t")));
    await tokenOf(first);
    connections.release(first);
    expect(budgets.of(HQ)).toHaveLength(1);
    await clock.advance(60_000);
    const other = connections.open(namedConnection("branch", ORIGIN, pasted("t")));
    connections.release(other);
    expect(budgets.of(HQ)).toEqual([]);
  });

  test("keeps what is known of a budget that others use, however long nothing was spent", async () => {
    const { connections, budgets, clock, tokenOf } = start();
    await tokenOf(connections.open(hq(pasted("t"))));
    await clock.advance(60_000);
    connections.release(connections.open(namedConnection("branch", ORIGIN, pasted("t"))));
    expect(budgets.of(HQ)).toHaveLength(1);
  });
});

describe("replaceCredential()", () => {
  test("moves all that is asked over a named connection at once", async () => {
    const { connections, made, tokenOf } = start();
    const connection = connections.open(hq(pasted("old")));
    let told = 0;
    connection.listen({ onNews() {}, onToken: () => told++ });
    expect(await tokenOf(connection)).toBe("old");
    connections.replaceCredential(hq(pasted("new")));
    expect([told, made.map(({ closed }) => closed)]).toEqual([1, [true, false]]);
    expect(connections.open(hq(pasted("new")))).toBe(connection);
    expect(await tokenOf(connection)).toBe("new");
  });

  test("does nothing when the credential is the same, or nothing is asked over the connection", () => {
    const { connections, made } = start();
    const access = pasted("t");
    connections.replaceCredential(hq(access));
    connections.open(hq(access));
    connections.replaceCredential(hq(access));
    expect(made).toHaveLength(1);
  });

  test("counts the calls of another owner apart", () => {
    const { connections, made } = start();
    const connection = connections.open(hq(client("app", "a")));
    made[0]?.own("1");
    connection.budget("light").spend();
    connections.replaceCredential(hq(client("app", "b")));
    expect(connection.budgetKey).toBe(HQ);
    expect(connection.budget("light").idle).toBe(true);
    made[1]?.own("1");
    expect(connection.budget("light").idle).toBe(false);
  });
});

describe("what is counted", () => {
  test("is counted together from the moment two connections are known to be of one owner and app", async () => {
    const { connections, made, clock } = start();
    const one = connections.open(hq(client("app", "a")));
    const other = connections.open(namedConnection("branch", ORIGIN, client("app", "b")));
    for (const { budget } of [one, other].map((connection) => ({ budget: connection.budget("light") }))) {
      budget.observe({ group: "light", limit: 10, left: 10, windowSeconds: 60 });
      budget.spend();
    }
    const waits = { granted: false };
    const taken = one.budget("light");
    for (let call = 0; call < 9; call++) taken.spend();
    void Promise.resolve(taken.take(new Turn("check"), () => 120_000, new AbortController().signal)).then(
      ({ granted }) => {
        waits.granted = granted;
      },
    );
    made[0]?.own("7");
    expect(one.budgetKey).not.toBe(other.budgetKey);
    made[1]?.own("7");
    expect(other.budget("light")).toBe(one.budget("light"));
    expect(other.backOffKeys("light").budget).toBe(one.backOffKeys("light").budget);
    expect(other.backOffKeys("light").connection).not.toBe(one.backOffKeys("light").connection);
    expect(one.budget("light").state).toEqual({ limit: 10, left: 0 });
    await settle();
    expect(waits.granted).toBe(false);
    await clock.advance(60_000);
    expect(waits.granted).toBe(true);
  });

  test.each([
    ["another owner", "app", "8", ORIGIN],
    ["another app", "other", "7", ORIGIN],
    ["another server", "app", "7", "https://other.example"],
  ])("is counted apart for %s", (_, clientId, ownerId, origin) => {
    const { connections, made } = start();
    const one = connections.open(hq(client("app", "a")));
    const other = connections.open(namedConnection("branch", origin, client(clientId, "b")));
    made[0]?.own("7");
    made[1]?.own(ownerId);
    expect(other.budgetKey).not.toBe(one.budgetKey);
  });

  test("is counted by connection for a pasted token, whose app is not known", () => {
    const { connections, made } = start();
    const connection = connections.open(hq(pasted("t")));
    made[0]?.own("7");
    expect(connection.budgetKey).toBe(HQ);
  });
});

describe("close()", () => {
  test("ends every token source", async () => {
    const { connections, made } = start();
    for (const id of ["hq", "branch"]) connections.open(namedConnection(id, ORIGIN, pasted("t")));
    await connections.close();
    expect(made.map(({ closed }) => closed)).toEqual([true, true]);
  });
});
