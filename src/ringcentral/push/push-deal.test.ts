import fc from "fast-check";
import { expect, test } from "vitest";
import { deal } from "./push-deal.ts";

const sets = (...shards: string[]) => shards.map((shard) => new Set(shard));

test.each([
  [sets(), "abcde", sets("ab", "cd", "e")],
  [sets("ab", "cd"), "bcdx", sets("bx", "cd")],
  [sets("ab", "cd"), "d", sets("", "d")],
  [sets("abc", "ad"), "abcd", sets("ab", "dc")],
])("deal() leaves what is wanted where it is and fills what is free: %j", (shards, wanted, expected) => {
  expect(deal(shards, new Set(wanted), 2)).toEqual(expected);
});

test("deal() gives everything that is wanted one place, in no shard more than allowed", () => {
  const letters = fc.uniqueArray(fc.constantFrom(..."abcdefghij")).map((list) => new Set(list));
  fc.assert(
    fc.property(
      fc.array(letters, { maxLength: 5 }),
      letters,
      fc.integer({ min: 1, max: 4 }),
      (shards, wanted, most) => {
        const dealt = deal(shards, wanted, most);
        expect(dealt.flatMap((shard) => [...shard]).sort()).toEqual([...wanted].sort());
        expect(Math.max(0, ...dealt.map(({ size }) => size))).toBeLessThanOrEqual(most);
      },
    ),
  );
});
