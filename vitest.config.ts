import { defineConfig } from "vitest/config";

// What replaces a module, or sets or counts what a process has only once, such as its telemetry.
const apart = [
  "src/availability/history.test.ts",
  "src/ringcentral/tokens/{renewing-token,token-endpoint}.test.ts",
  "src/rpc/guard-trace.test.ts",
  "src/rpc/handlers/check-stream-listeners.test.ts",
  "src/telemetry/*.test.ts",
  "src/upstream/{attempt-span,web-socket}.test.ts",
  "test/{local-answers,reads,watch}.test.ts",
];

// What needs Node alone; vitest.all.config.ts holds the tests that take minutes or need other programs.
export default defineConfig({
  test: {
    // One less than the cores by default, which leaves half of a small machine idle.
    maxWorkers: "100%",
    testTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: "together",
          include: ["{src,client,simulator,bench,tools}/**/*.test.ts", "test/*.test.ts"],
          exclude: apart,
          // A process for each file, and the service loaded anew in each, took two fifths of the time.
          isolate: false,
        },
      },
      { extends: true, test: { name: "apart", include: apart } },
    ],
  },
});
