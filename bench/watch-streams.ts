import type { Scenario } from "./scenario.ts";
import { flood } from "./watch-flood.ts";
import { memory } from "./watch-memory.ts";
import { stalled } from "./watch-stalled.ts";

/** What watching costs when nothing happens, when somebody does not read, and when too much happens. */
export const watchStreams: Scenario = {
  name: "watch-streams",
  async run(bench) {
    return [...(await memory(bench)), ...(await stalled(bench)), ...(await flood(bench))];
  },
};
