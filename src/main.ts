import { enableCompileCache } from "node:module";

// Before everything else is imported: the next start then skips compiling.
enableCompileCache();

const { parseSettings } = await import("./settings.ts");
const { log } = await import("./telemetry/log.ts");

/** The service as a program: settings from the environment, JSON lines on stdout, SIGTERM or SIGINT to stop. */
async function main(): Promise<void> {
  const settings = parseSettings(process.env);
  log.level = settings.logLevel;
  if (settings.exposed) {
    log.warn({ host: settings.host }, "INSECURE=1: anyone who reaches this host can ask, configure and delete");
  }
  const { startTelemetry } = await import("./telemetry/otel.ts");
  const { default: manifest } = await import("../package.json", { with: { type: "json" } });
  const telemetry = await startTelemetry({ serviceVersion: manifest.version });
  const { startApp } = await import("./app.ts");
  const app = await startApp(settings, { telemetry });

  const stop = async (signal: NodeJS.Signals) => {
    log.info({ signal }, "stopping");
    await app.shutdown();
    await telemetry.shutdown();
    log.info("stopped");
  };
  // A second signal means: now. It finds Node's own behaviour, as each listener is used once.
  process.once("SIGTERM", (signal) => void stop(signal));
  process.once("SIGINT", (signal) => void stop(signal));
}

try {
  await main();
} catch (error) {
  // The log may not be up yet, and the operator looks at the last lines of stderr.
  console.error(error instanceof Error ? error.message : error);
  log.fatal({ err: error }, "cannot start");
  process.exitCode = 1;
}
