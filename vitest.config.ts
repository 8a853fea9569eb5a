import { defineConfig } from "vitest/config";

// What needs Node alone; vitest.all.config.ts holds the tests that need other programs.
export default defineConfig({
  test: {
    include: ["{src,simulator,bench,tools}/**/*.test.ts", "test/*.test.ts"],
    // One less than the cores by default, which leaves half of a small machine idle.
    maxWorkers: "100%",
    testTimeout: 20_000,
  },
});
