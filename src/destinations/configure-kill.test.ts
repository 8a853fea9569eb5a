import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { openSqlite } from "../stores/sqlite.ts";
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
  const directory = mkdtempSync(join(tmpdir(), "kill-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "store.db");
  const acknowledged = new Map<string, { revision: bigint; state: string }>();
  let n = 0;
  for (let life = 0; life < 5; life++) {
    const args = ["--input-type=module", "-e", WRITER, path, String(n + 1)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const last = n + 20 + Math.floor(Math.random() * 100);
    for await (const line of createInterface(child.stdout)) {
      const [count, id = "", revision = "", state = ""] = line.split(" ");
      n = Number(count);
      acknowledged.set(id, { revision: BigInt(revision), state });
      if (n === last) child.kill("SIGKILL");
    }
    expect(n).toBeGreaterThanOrEqual(last);

    const store = openSqlite(path);
    const { registry, configure } = await startDestinations({ store });
    // At most the one that was under way is there without having been acknowledged.
    let ahead = 0;
    for (const [id, { revision, state }] of acknowledged) {
      const entry = registry.get(id);
      const found = { revision: entry?.revision ?? revision, state: entry?.message.displayName ?? "deleted" };
      if (found.revision !== revision || found.state !== state) {
        ahead++;
        expect(id).toBe(`d${(n + 1) % IDS}`);
        expect(found.revision).toBe(found.state === "deleted" ? revision : revision + 1n);
        acknowledged.set(id, found);
      }
      if (!entry) continue;
      expect(tokenOf(entry.compiled?.access)).toBe(TOKEN);
      // What is there is whole: the same again is equal, and changes nothing.
      expect((await configure(entry.message)).destination.revision).toBe(entry.revision);
    }
    expect(ahead).toBeLessThanOrEqual(1);
    n += 1;
    await store.close();
  }
}, 60_000);
