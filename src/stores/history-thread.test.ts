import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { HistoryThread } from "./history-thread.ts";
import { changeRow, countRow, everything, historyPath } from "./test-history.ts";

function opened(path: string, given: { onSetAside?: (aside: string) => void; script?: URL } = {}): HistoryThread {
  const history = new HistoryThread({ path, onSetAside: () => {}, ...given });
  onTestFinished(() => history.close());
  return history;
}

test("calls take effect in the order in which they are made, and survive a restart", async () => {
  const path = historyPath();
  const first = opened(path);
  const writing = first.write({ changes: [changeRow(1)], counts: [countRow(0)] });
  const reading = first.read(everything());
  const later = first.write({ changes: [changeRow(2, { answer: undefined })], counts: [] });
  expect((await reading).changes).toEqual([changeRow(1)]);
  await Promise.all([writing, later]);
  expect(await first.prune(0)).toBe(false);
  await first.close();
  const second = opened(path);
  const { before, counts } = await second.read(everything({ startMs: 9, minutes: { from: 0, to: 60_000 } }));
  expect([before, counts]).toEqual([changeRow(2, { answer: undefined }), [countRow(0)]]);
});

test("close() does what was asked before, leaves no thread, and later calls are refused", async () => {
  const path = historyPath();
  const history = opened(path);
  const writing = history.write({ changes: [changeRow(1)], counts: [] });
  await Promise.all([history.close(), history.close()]);
  await writing;
  await expect(history.prune(0)).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect((await opened(path).read(everything())).changes).toHaveLength(1);
});

test("rejects with UNAVAILABLE when the file cannot be opened, each time", async () => {
  const history = opened("/dev/null/x.db");
  for (let n = 0; n < 2; n++) {
    await expect(history.write({ changes: [changeRow(1)], counts: [] })).rejects.toMatchObject({
      name: "ServiceError",
      code: "UNAVAILABLE",
      message: expect.stringMatching(/^Cannot write store "\/dev\/null\/x.db": /),
    });
  }
});

test("tells of a damaged file that was set aside", async () => {
  const path = historyPath();
  await opened(path).close();
  const first = opened(path);
  await first.write({ changes: [changeRow(1)], counts: [] });
  await first.close();
  writeFileSync(path, "x".repeat(5000));
  const told: string[] = [];
  const second = opened(path, { onSetAside: (aside) => told.push(aside) });
  expect((await second.read(everything())).changes).toEqual([]);
  expect(told).toEqual([`${path}.damaged`]);
});

test("what waits is rejected when the thread dies, and the next call starts another", async () => {
  const script = new URL(`data:text/javascript,${encodeURIComponent(DIES_AT_WRITE)}`);
  const history = opened("x", { script });
  const outcomes = [history.prune(1), history.write({ changes: [], counts: [] }), history.prune(2)];
  expect(await Promise.allSettled(outcomes)).toMatchObject([
    { status: "fulfilled", value: "done 1" },
    { status: "rejected", reason: { code: "UNAVAILABLE", message: expect.stringContaining("its thread failed") } },
    { status: "rejected", reason: { code: "UNAVAILABLE" } },
  ]);
  expect(await history.prune(3)).toBe("done 3");
});

test("an idle thread does not keep the process alive, and closing one does until it is closed", async () => {
  const path = historyPath();
  const program = (then: string) => `
    const { HistoryThread } = await import(${JSON.stringify(new URL("./history-thread.ts", import.meta.url).href)});
    const history = new HistoryThread({ path: ${JSON.stringify(path)}, onSetAside: () => {} });
    await history.prune(0);
    ${then}`;
  const run = (source: string) => {
    const file = join(path, "../../program.mjs");
    writeFileSync(file, source);
    return promisify(execFile)(process.execPath, [file], { timeout: 15_000 });
  };
  expect(await run(program(""))).toMatchObject({ stderr: "" });
  expect(await run(program("await history.close(); console.log('closed')"))).toMatchObject({ stdout: "closed\n" });
});

const DIES_AT_WRITE = `
  import { parentPort } from "node:worker_threads";
  parentPort.on("message", ({ kind, now }) => {
    if (kind === "write") throw new Error("out of order");
    parentPort.postMessage({ done: "done " + now });
    if (kind === "close") parentPort.close();
  });`;
