import { describe, expect, test } from "vitest";
import type { QueueNeed } from "../connection.ts";
import { filterKey } from "./push-filters.ts";
import { filtersFor } from "./push-plan.ts";

const need = (queueId: string, extensions = false): QueueNeed => ({
  accountId: "~",
  queueId,
  extensions,
  maxAgeMs: 10_000,
});
const MEMBERS: Record<string, string[]> = { "1": ["7", "8"], "2": ["8", "9"] };

/** Keys of the filters for these needs. */
function planned(needs: QueueNeed[], given: { scope?: string[]; refused?: string[] } = {}): string[] {
  const { scope = ["ReadAccounts", "ReadPresence", "WebSocketsSubscription"], refused = [] } = given;
  const membersOf = ({ queueId }: QueueNeed) => MEMBERS[queueId] ?? [];
  return filtersFor(needs, { scope, refused: new Set(refused), membersOf }).map(filterKey);
}

describe("filtersFor()", () => {
  test("takes one filter for each queue when agents' own presence does not matter", () => {
    expect(planned([need("1"), need("2"), need("1")])).toEqual(["queue:1", "queue:2"]);
  });

  test("takes one for the whole account when agents' own presence matters anywhere", () => {
    expect(planned([need("1", true), need("2"), need("3", true)])).toEqual([
      "queue:1",
      "account",
      "queue:2",
      "queue:3",
    ]);
  });

  test("tries the account's events when the permissions are not known", () => {
    const membersOf = () => [];
    const filters = filtersFor([need("1", true)], { scope: undefined, refused: new Set(), membersOf });
    expect(filters.map(filterKey)).toContain("account");
  });

  test.each([
    ["the permission for it is missing", { scope: ["ReadPresence", "WebSocket"] }],
    ["RingCentral refused it", { refused: ["account"] }],
  ])("takes one for each agent, each once, in place of the account's when %s", (_, given) => {
    const keys = planned([need("1", true), need("2", true)], given);
    expect(keys).toEqual(["queue:1", "extension:7", "extension:8", "queue:2", "extension:9"]);
  });

  test("takes none when the permission for push is missing", () => {
    expect(planned([need("1", true)], { scope: ["ReadAccounts", "ReadPresence"] })).toEqual([]);
  });

  test("leaves out what RingCentral refused", () => {
    expect(planned([need("1"), need("2")], { refused: ["queue:1"] })).toEqual(["queue:2"]);
  });
});
