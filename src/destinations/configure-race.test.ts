import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ServiceError } from "../lib/errors.ts";
import { openSqlite } from "../stores/sqlite.ts";
import { jittered } from "../stores/test-jittered.ts";
import { destinationOf, newDestination, startDestinations } from "./test-destinations.ts";

type Outcome = { revision: bigint; name: string } | "aborted";

async function outcomeOf(call: Promise<{ destination: { revision: bigint; displayName: string } }>): Promise<Outcome> {
  try {
    const { destination } = await call;
    return { revision: destination.revision, name: destination.displayName };
  } catch (error) {
    if (error instanceof ServiceError && error.code === "ABORTED") return "aborted";
    throw error;
  }
}

describe("configure() of one destination by several at once", () => {
  test("succeeds or is ABORTED, each success with a revision of its own and the last one stays", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ replica: fc.integer({ min: 0, max: 1 }), expected: fc.option(fc.bigInt(0n, 6n)) }), {
          minLength: 2,
          maxLength: 12,
        }),
        fc.infiniteStream(fc.integer({ min: 0, max: 4 })),
        async (calls, turns) => {
          const store = jittered(openSqlite(":memory:"), () => turns.next().value ?? 0);
          const replicas = [await startDestinations({ store }), await startDestinations({ store })];
          const outcomes = await Promise.all(
            calls.map(({ replica, expected }, index) =>
              outcomeOf(
                replicas[replica]!.configure(newDestination({ displayName: `n${index}` }), {
                  expectedRevision: expected ?? undefined,
                }),
              ),
            ),
          );
          const done = outcomes
            .filter((outcome) => outcome !== "aborted")
            .sort((a, b) => Number(a.revision - b.revision));
          expect(done.map(({ revision }) => revision)).toEqual(done.map((_, index) => BigInt(index + 1)));
          outcomes.forEach((outcome, index) => {
            const { expected } = calls[index]!;
            if (outcome !== "aborted" && expected !== null) expect(outcome.revision).toBe(expected + 1n);
          });
          const last = done.at(-1);
          const after = await startDestinations({ store });
          for (const { registry } of [...replicas, after]) {
            const entry = registry.get("sales");
            expect(entry && { revision: entry.revision, name: entry.message.displayName }).toEqual(last);
          }
          await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("makes exactly one new destination when all say that there must be none", async () => {
    const service = await startDestinations();
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        outcomeOf(service.configure(newDestination({ displayName: `n${index}` }), { expectedRevision: 0n })),
      ),
    );
    expect(outcomes.filter((outcome) => outcome !== "aborted")).toHaveLength(1);
    expect(service.registry.get("sales")?.revision).toBe(1n);
  });

  test("all succeed with one revision when the destination is the same", async () => {
    const service = await startDestinations();
    const outcomes = await Promise.all(
      Array.from({ length: 40 }, () => outcomeOf(service.configure(newDestination()))),
    );
    expect(outcomes).toEqual(outcomes.map(() => ({ revision: 1n, name: "" })));
  });

  test("gives up as ABORTED when others never stop writing", async () => {
    const store = openSqlite(":memory:");
    const service = await startDestinations({
      store: { ...jittered(store, () => 0), put: async () => ({ ok: false, current: 7 }) },
    });
    const error = await service.configure(newDestination()).catch((failure) => failure);
    expect(error).toMatchObject({ code: "ABORTED" });
    expect(error.message).toBe('Cannot configure destination "sales": others keep changing it');
  });
});

describe("configure() and remove() at once", () => {
  test("never use a revision twice", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 3, maxLength: 10 }),
        fc.infiniteStream(fc.integer({ min: 0, max: 3 })),
        async (removes, turns) => {
          const store = jittered(openSqlite(":memory:"), () => turns.next().value ?? 0);
          const service = await startDestinations({ store });
          await service.configure(newDestination({ displayName: "first" }));
          const revisions = await Promise.all(
            removes.map(async (remove, index) => {
              try {
                if (remove) await service.remove("sales");
                else
                  return (await service.configure(newDestination({ displayName: `n${index}` }))).destination.revision;
              } catch (error) {
                expect((error as ServiceError).code).toMatch(/^(NOT_FOUND|ABORTED)$/);
              }
              return undefined;
            }),
          );
          const given = [1n, ...revisions.filter((revision) => revision !== undefined)].sort((a, b) => Number(a - b));
          expect(given).toEqual(given.map((_, index) => BigInt(index + 1)));
          const restarted = await startDestinations({ store });
          expect(restarted.registry.get("sales")?.message).toEqual(service.registry.get("sales")?.message);
          const next = await service.configure(newDestination({ displayName: "last" }));
          expect(next.destination.revision).toBe(BigInt(given.length + 1));
          await store.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  test("an absent credential is not kept from a destination that was deleted meanwhile", async () => {
    const service = await startDestinations();
    await service.configure(newDestination());
    const [removed, configured] = await Promise.allSettled([
      service.remove("sales"),
      service.configure(destinationOf({ disabled: true })),
    ]);
    expect(removed.status).toBe("fulfilled");
    expect(configured).toMatchObject({ status: "rejected", reason: { code: "INVALID_ARGUMENT" } });
  });
});
