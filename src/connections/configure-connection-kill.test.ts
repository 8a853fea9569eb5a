import { expect, test } from "vitest";
import { openSqlite } from "../stores/sqlite.ts";
import { killAgainAndAgain, oneAhead } from "../stores/test-kill.ts";
import type { OAuthAccess } from "./credentials.ts";
import { connectionOf, startConnections } from "./test-connections.ts";

const IDS = 5;

// Configures, and now and then deletes, one of a few connections after the other, and says what was acknowledged.
const WRITER = `
  import { writeSync } from "node:fs";
  import { openSqlite } from ${JSON.stringify(new URL("../stores/sqlite.ts", import.meta.url).href)};
  import { newConnection, oauthCredential, startConnections } from ${JSON.stringify(new URL("./test-connections.ts", import.meta.url).href)};
  const [path, start] = process.argv.slice(1);
  const { configure, connections, remove } = await startConnections({ store: openSqlite(path) });
  for (let n = Number(start); ; n++) {
    const id = "c" + (n % ${IDS});
    const revision = connections.get(id)?.revision;
    if (revision !== undefined && n % 3 === 0) {
      await remove(id);
      writeSync(1, n + " " + id + " " + revision + " deleted\\n");
    } else {
      const credential = oauthCredential({ clientId: "n" + n });
      const { connection } = await configure(newConnection({ id, credential }));
      writeSync(1, n + " " + id + " " + connection.revision + " n" + n + "\\n");
    }
  }`;

test("every configured and deleted connection that was acknowledged is there after kill -9", async () => {
  await killAgainAndAgain(WRITER, async ({ path, acknowledged, underWay }) => {
    const store = openSqlite(path);
    const { connections, configure } = await startConnections({ store });
    let ahead = 0;
    for (const id of acknowledged.keys()) {
      const entry = connections.get(id);
      const found = entry && { revision: entry.revision, state: (entry.access as OAuthAccess).clientId };
      if (oneAhead(acknowledged, id, found)) {
        ahead++;
        expect(id).toBe(`c${underWay % IDS}`);
      }
      // What is there is whole: the same again is equal, and changes nothing.
      if (entry) expect((await configure(connectionOf({ id }))).connection.revision).toBe(entry.revision);
    }
    await store.close();
    return ahead;
  });
}, 60_000);
