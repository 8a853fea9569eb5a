import { expect, test } from "vitest";
import { openSqlite } from "../stores/sqlite.ts";
import { killAgainAndAgain, oneAhead } from "../stores/test-kill.ts";
import { startDestinations, TOKEN, tokenOf } from "./test-destinations.ts";

const IDS = 7;

// Configures, and now and then deletes, one of a few destinations after the other, and says what was acknowledged.
const WRITER = `
  import { writeSync } from "node:fs";
  import { openSqlite } from ${JSON.stringify(new URL("../stores/sqlite.ts", import.meta.url).href)};
  import { newDestination, startDestinations } from ${JSON.stringify(new URL("./test-destinations.ts", import.meta.url).href)};
  const [path, start] = process.argv.slice(1);
  const { configure, registry, remove } = await startDestinations({ store: openSqlite(path) });
  for (let n = Number(start); ; n++) {
    const id = "d" + (n % ${IDS});
    const revision = registry.get(id)?.revision;
    if (revision !== undefined && n % 5 === 0) {
      await remove(id);
      writeSync(1, n + " " + id + " " + revision + " deleted\\n");
    } else {
      const { destination } = await configure(newDestination({ id, displayName: "n" + n }));
      writeSync(1, n + " " + id + " " + destination.revision + " n" + n + "\\n");
    }
  }`;

test("every configure() and remove() that was acknowledged is there after kill -9", async () => {
  await killAgainAndAgain(WRITER, async ({ path, acknowledged, underWay }) => {
    const store = openSqlite(path);
    const { registry, configure } = await startDestinations({ store });
    let ahead = 0;
    for (const id of acknowledged.keys()) {
      const entry = registry.get(id);
      const found = entry && { revision: entry.revision, state: entry.message.displayName };
      if (oneAhead(acknowledged, id, found)) {
        ahead++;
        expect(id).toBe(`d${underWay % IDS}`);
      }
      if (!entry) continue;
      expect(tokenOf(entry.compiled?.access)).toBe(TOKEN);
      // What is there is whole: the same again is equal, and changes nothing.
      expect((await configure(entry.message)).destination.revision).toBe(entry.revision);
    }
    await store.close();
    return ahead;
  });
}, 60_000);
