import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { openSqlite } from "../stores/sqlite.ts";
import { jittered } from "../stores/test-jittered.ts";
import type { OAuthAccess } from "./credentials.ts";
import { newConnection, oauthCredential, startConnections } from "./test-connections.ts";

type Service = Awaited<ReturnType<typeof startConnections>>;

const numbered = (n: number) => newConnection({ credential: oauthCredential({ clientId: `n${n}` }) });
const heldBy = ({ connections }: Service) => {
  const entry = connections.get("main");
  return entry && { revision: entry.revision, clientId: (entry.access as OAuthAccess).clientId };
};

describe("configuring and deleting one connection by several at once", () => {
  test("gives each success a revision of its own, and every replica holds the last one", async () => {
    const calls = fc.array(
      fc.record({
        replica: fc.integer({ min: 0, max: 1 }),
        remove: fc.boolean(),
        expected: fc.option(fc.bigInt(0n, 5n), { nil: undefined }),
      }),
      { minLength: 2, maxLength: 10 },
    );
    const pauses = fc.infiniteStream(fc.integer({ min: 0, max: 4 }));
    await fc.assert(
      fc.asyncProperty(calls, pauses, async (made, turns) => {
        const store = jittered(openSqlite(":memory:"), () => turns.next().value ?? 0);
        const replicas = [await startConnections({ store }), await startConnections({ store })] as const;
        const revisions: bigint[] = [];
        const call = async ({ replica, remove, expected }: (typeof made)[number], n: number) => {
          const service = replicas[replica]!;
          try {
            if (remove) return await service.remove("main");
            const { connection } = await service.configure(numbered(n), { expectedRevision: expected });
            revisions.push(connection.revision);
          } catch (error) {
            expect((error as ServiceError).code).toMatch(/^(NOT_FOUND|ABORTED)$/);
          }
        };
        await Promise.all(made.map(call));
        expect(revisions.toSorted((a, b) => Number(a - b))).toEqual(revisions.map((_, index) => BigInt(index + 1)));
        const restarted = await startConnections({ store });
        for (const replica of replicas) expect(heldBy(replica)).toEqual(heldBy(restarted));
        const { connection } = await restarted.configure(numbered(99));
        expect(connection.revision).toBe(BigInt(revisions.length + 1));
        await store.close();
      }),
      { numRuns: 60 },
    );
  });

  test("all succeed with one revision when the connection is the same", async () => {
    const service = await startConnections();
    const made = await Promise.all(Array.from({ length: 40 }, () => service.configure(newConnection())));
    expect(made.map(({ connection }) => connection.revision)).toEqual(made.map(() => 1n));
  });

  test("gives up as ABORTED when others never stop writing", async () => {
    const store = openSqlite(":memory:");
    const service = await startConnections({
      store: { ...jittered(store, () => 0), put: async () => ({ ok: false, current: 7 }) },
    });
    const error = await service.configure(newConnection()).catch((failure) => failure);
    expect(error).toBeInstanceOf(ServiceError);
    expect(error).toMatchObject({
      code: "ABORTED",
      message: 'Cannot configure connection "main": others keep changing it',
    });
  });
});
