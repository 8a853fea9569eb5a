import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { createKeyring } from "../../lib/sealing.ts";
import { TestClock } from "../../lib/test-clock.ts";
import { openSqlite } from "../../stores/sqlite.ts";
import { createPushRecovery } from "./push-recovery-store.ts";
import { keptLife } from "./test-kept.ts";

const EXTENSIONS = Array.from({ length: 12 }, (_, n) => `${100 + n}`);
const START = new TestClock().now();

// Push tells of everybody, again and again: the n-th time at START + n milliseconds, that he is at number n. The state of
// push says that it is as far; while it is saved, push goes on.
const TELLER = `
  import { writeSync } from "node:fs";
  import { openSqlite } from ${url("../../stores/sqlite.ts")};
  import { createKeyring } from ${url("../../lib/sealing.ts")};
  import { Secret } from ${url("../../lib/secret.ts")};
  import { TestClock } from ${url("../../lib/test-clock.ts")};
  import { createPushRecovery } from ${url("./push-recovery-store.ts")};
  import { keptLife, queueAnswer } from ${url("./test-kept.ts")};
  const [path, start] = process.argv.slice(1);
  const store = openSqlite(path);
  const clock = new TestClock(${START} + Number(start));
  const { saver, tables, coverages } = await keptLife({ store, clock });
  const keyring = createKeyring([new Uint8Array(32).fill(1)]);
  const recovery = createPushRecovery({ store, keyring, connection: "con-1", presence: saver });
  const ids = ${JSON.stringify(EXTENSIONS)};
  const since = clock.now();
  const wsc = (sequence) => ({ token: new Secret("t0ken"), sequence });
  const filter = { kind: "account", accountId: "~" };
  tables.queueRead("7", queueAnswer(Object.fromEntries(ids.map((id) => [id, true]))), clock.now());
  tables.extensionsRead(ids.map((extensionId) => ({ extensionId, presence: { meetingStatus: start } })), clock.now());
  coverages.set("account", { since, aliveAt: since, live: true });
  let saving = Promise.resolve();
  for (let n = Number(start) + 1; ; n++) {
    await clock.advance(1);
    for (const id of ids) tables.extensionChanged(id, { meetingStatus: String(n) });
    coverages.set("account", { since, aliveAt: clock.now(), live: true });
    tables.compose("7", "QUEUE_AND_EXTENSION");
    if (n % 3 === 0) {
      const state = [{ filters: [{ filter, since }], wsc: wsc(n), aliveAt: clock.now(), resumableForMs: 180000, expiresAt: undefined }];
      saving = saving.then(() => recovery.save(state)).then(() => writeSync(1, n + "\\n"));
      if (n % 2 === 0) await saving;
    }
  }`;

function url(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}

test("after kill -9 nothing is older than what push would be resumed from, or than it says that it is", async () => {
  const directory = mkdtempSync(join(tmpdir(), "kill-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "store.db");
  let n = 0;
  for (let life = 0; life < 8; life++) {
    const args = ["--input-type=module", "-e", TELLER, path, String(n)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const last = n + 30 + Math.floor(Math.random() * 60);
    for await (const line of createInterface(child.stdout)) {
      n = Number(line);
      // At any moment of what is written then.
      if (n >= last) setTimeout(() => child.kill("SIGKILL"), Math.random() * 5);
    }

    const store = openSqlite(path);
    const clock = new TestClock(START + n + 60_000);
    const { saver, tables } = await keptLife({ store, clock });
    const keyring = createKeyring([new Uint8Array(32).fill(1)]);
    const [shard] = await createPushRecovery({ store, keyring, connection: "con-1", presence: saver }).load();
    const composed = tables.compose("7", "QUEUE_AND_EXTENSION")!;
    const values = composed.document.records.map(({ meetingStatus }) => Number(meetingStatus));
    expect(values).toHaveLength(EXTENSIONS.length);
    const oldest = Math.min(...values);
    expect(oldest).toBeGreaterThanOrEqual(composed.observed.extension.at - START);
    // What was acknowledged is there, and resumes unless the kill cut a round short.
    expect(oldest).toBeGreaterThanOrEqual(n);
    expect(saver.safe).toBe(shard !== undefined);
    if (shard) {
      expect(shard.wsc.sequence).toBeGreaterThanOrEqual(n);
      expect(oldest).toBeGreaterThanOrEqual(shard.wsc.sequence);
      expect(composed.observed.extension.at - START).toBeGreaterThanOrEqual(shard.wsc.sequence);
    }
    await store.close();
    n = Math.max(n, ...values);
  }
}, 60_000);
