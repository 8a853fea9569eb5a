import { defineConfig } from "vitest/config";

// What needs Node alone; vitest.all.config.ts holds the tests that need other programs.
export default defineConfig({
  test: {
    include: ["{src,simulator,tools}/**/*.test.ts", "test/*.test.ts"],
    testTimeout: 20_000,
  },
});
