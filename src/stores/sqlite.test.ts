import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { openSqlite } from "./sqlite.ts";
import { APPLICATION_ID, openDatabase, SCHEMA_VERSION } from "./sqlite-file.ts";
import { testReopening, testStore } from "./store-contract.ts";
import { bytes } from "./store-watch-contract.ts";

function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), "sqlite-"));
}

testStore("the store in memory", async () => ({ open: async () => openSqlite(":memory:"), remove: async () => {} }), {
  keeps: false,
});

async function sqliteFile() {
  const directory = temporaryDirectory();
  return {
    open: async () => openSqlite(join(directory, "store.db")),
    remove: async () => rmSync(directory, { recursive: true }),
  };
}
testStore("the store in a SQLite file", sqliteFile, { keeps: true });
testReopening("the store in a SQLite file", sqliteFile);

describe("openSqlite()", () => {
  let path: string;
  beforeEach(() => {
    const directory = temporaryDirectory();
    path = join(directory, "data", "deep", "store.db");
    onTestFinished(() => rmSync(directory, { recursive: true }));
  });

  async function opened() {
    const store = openSqlite(path);
    onTestFinished(() => store.close());
    return store;
  }

  test("makes a file and directories that only their owner may read", async () => {
    const store = await opened();
    await store.put("a", bytes("1"));
    const modes = [path, `${path}-wal`, join(path, ".."), join(path, "..", "..")].map((p) => statSync(p).mode & 0o777);
    expect(modes).toEqual([0o600, 0o600, 0o700, 0o700]);
  });

  test("takes a file that was made and not yet filled when the power went", async () => {
    await (await opened()).close();
    writeFileSync(path, "");
    expect(await (await opened()).list("")).toEqual([]);
  });

  test("refuses a file that another store of this process holds", async () => {
    const store = await opened();
    expect(() => openSqlite(path)).toThrow(`Cannot open store "${path}": another process holds it`);
    await store.put("a", bytes("1"));
    await store.close();
    expect(await (await opened()).get("a")).toBeDefined();
  });

  test("refuses a file that another process holds, until that one is gone", async () => {
    const holder = startChild(path, "process.stdout.write('open\\n'); setInterval(() => {}, 1000);");
    await once(holder.stdout, "data");
    expect(() => openSqlite(path)).toThrow(
      expect.objectContaining({
        code: "UNAVAILABLE",
        message: `Cannot open store "${path}": another process holds it`,
      }),
    );
    holder.kill("SIGKILL");
    await once(holder, "close");
    expect(await (await opened()).list("")).toEqual([]);
  });

  test("refuses a file that is no database and leaves it as it is", async () => {
    await (await opened()).close();
    writeFileSync(path, "x".repeat(5000));
    expect(() => openSqlite(path)).toThrow(`Cannot open store "${path}": the file is damaged or is no SQLite database`);
    expect(readFileSync(path, "utf8")).toBe("x".repeat(5000));
  });

  test("refuses a database with a damaged page and leaves it as it is", async () => {
    const store = await opened();
    for (let n = 0; n < 100; n++) await store.put(`k/${n}`, new Uint8Array(300));
    await store.close();
    const content = readFileSync(path);
    content.fill(0xee, content.length - 4096);
    writeFileSync(path, content);
    expect(() => openSqlite(path)).toThrow(`Cannot open store "${path}": the file is damaged`);
    expect(readFileSync(path).equals(content)).toBe(true);
  });

  test("waits for the disk at every commit", () => {
    const database = openDatabase(path);
    onTestFinished(() => database.close());
    expect(database.prepare("pragma synchronous").get()).toEqual({ synchronous: 2 });
    expect(database.prepare("pragma journal_mode").get()).toEqual({ journal_mode: "wal" });
  });

  test("refuses a database of another program", async () => {
    await (await opened()).close();
    rmSync(path);
    edit(path, "create table users (name text)");
    expect(() => openSqlite(path)).toThrow(`Cannot open store "${path}": it is another program's database`);
  });

  test("refuses a file that a newer version wrote", async () => {
    await (await opened()).close();
    edit(path, `pragma user_version = ${SCHEMA_VERSION + 1}`);
    expect(() => openSqlite(path)).toThrow(
      `Cannot open store "${path}": a newer version of this service wrote it (schema 2, this one knows 1)`,
    );
    edit(path, `pragma user_version = ${SCHEMA_VERSION}`);
    expect(await (await opened()).list("")).toEqual([]);
    expect(APPLICATION_ID).toBe(Buffer.from("Avlb").readUInt32BE());
  });

  test("refuses a path that cannot be a file", async () => {
    expect(() => openSqlite(tmpdir())).toThrow(/^Cannot open store/);
    expect(() => openSqlite("/dev/null/store.db")).toThrow(expect.objectContaining({ code: "UNAVAILABLE" }));
  });

  test.each(["rollback", "abort", "fail"])(
    "a write that fails in the middle (%s) leaves everything as it was, and the store goes on",
    async (how) => {
      await (await opened()).close();
      const bad = "create trigger bad after insert on entries when new.key = 'bad' begin";
      edit(path, `${bad} select raise(${how}, 'no'); end`);
      const store = await opened();
      await store.put("good", bytes("1"));
      const heard: string[] = [];
      const watch = store.watch("", (change) => heard.push(change.key));
      await expect(store.put("bad", bytes("1"))).rejects.toThrow(
        expect.objectContaining({ code: "UNAVAILABLE", message: `Cannot write store "${path}": SQLite says no` }),
      );
      expect(await store.put("next", bytes("1"))).toEqual({ ok: true, revision: 2 });
      await watch.ready;
      expect((await store.list("")).map((entry) => entry.key)).toEqual(["good", "next"]);
      expect(heard).not.toContain("bad");
    },
  );

  test("every write that was acknowledged is there after kill -9", async () => {
    const writer = `
      for (let n = start; ; n++) {
        await store.put("k/" + (n % 50), Buffer.from(String(n)));
        await store.put("all/" + n, Buffer.from("x".repeat(n % 3000)), { expected: "absent" });
        writeSync(1, n + "\\n");
      }`;
    let acknowledged = 0;
    for (let life = 0; life < 6; life++) {
      const child = startChild(path, writer, acknowledged + 1);
      const deadline = acknowledged + 1 + Math.floor(Math.random() * 150);
      for await (const line of createInterface(child.stdout)) {
        acknowledged = Number(line);
        if (acknowledged === deadline) child.kill("SIGKILL");
      }
      expect(acknowledged).toBeGreaterThanOrEqual(deadline);
      const store = openSqlite(path);
      const all = new Map((await store.list("all/")).map((entry) => [entry.key, entry.value.length]));
      for (let n = 1; n <= acknowledged; n++) expect(all.get(`all/${n}`)).toBe(n % 3000);
      for (const { key, value } of await store.list("k/")) {
        const n = Number(Buffer.from(value).toString());
        expect(key).toBe(`k/${n % 50}`);
        expect(n).toBeGreaterThan(acknowledged - 50);
      }
      // At most the one that was under way is there without having been acknowledged.
      expect(all.size - acknowledged).toBeLessThanOrEqual(1);
      acknowledged = all.size;
      await store.close();
    }
  }, 60_000);
});

/** Runs a script in a process of its own, with the store at `path` open as `store`. */
function startChild(path: string, script: string, start = 0) {
  const head = `
    import { writeSync } from "node:fs";
    import { openSqlite } from ${JSON.stringify(new URL("./sqlite.ts", import.meta.url).href)};
    const start = ${start};
    const store = openSqlite(${JSON.stringify(path)});`;
  const args = ["--input-type=module", "-e", `${head}\n${script}`];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

/** Changes the file behind the store's back. */
function edit(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}
