import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { killLeftovers, startProcess } from "./support/child.ts";
import { temporaryDirectory } from "./support/service.ts";

afterAll(killLeftovers);

// Printed, not asserted: how long it takes depends on the machine. The goals are 1.5 s and 180 MB.
test("a start with an empty store and one after it say how long they took", async () => {
  const directory = await temporaryDirectory();
  try {
    for (const which of ["first", "second"]) {
      const began = performance.now();
      const service = await startProcess({ STORE_URL: `sqlite:${join(directory.path, "availability.db")}` });
      const took = Math.round(performance.now() - began);
      const status = await readFile(`/proc/${service.pid}/status`, "utf8").catch(() => "");
      const rss = /VmRSS:\s+(\d+)/.exec(status)?.[1];
      console.log(`${which} start: ready after ${took} ms, ${rss ? Math.round(Number(rss) / 1024) : "?"} MB idle`);
      expect(await service.stop()).toBe(0);
    }
  } finally {
    await directory.remove();
  }
});
