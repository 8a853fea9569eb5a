import { defineConfig } from "vitest/config";

// Tests that take minutes, and tests with programs that Node does not bring; tools/test-all.ts installs those and picks
// the tests that can run.
export default defineConfig({
  test: {
    include: ["test/{interop,chaos}/*.test.ts"],
    // Each file starts a service of its own, and compilers want the processor for themselves.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 1_200_000,
  },
});
