import { enableCompileCache } from "node:module";
import { setFlagsFromString } from "node:v8";

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
  // Before anybody can see that it is ready: whoever is told to stop while it starts stops as soon as it has started. A
  // second signal means: now. It finds Node's own behaviour, as each listener is used once.
  const { promise: told, resolve: tell } = Promise.withResolvers<NodeJS.Signals>();
  process.once("SIGTERM", tell);
  process.once("SIGINT", tell);
  const { startApp } = await import("./app.ts");
  const app = await startApp(settings, { telemetry });
  // What is alive hardly changes from now on. Left alone, V8 has the heap grow to several times that before it looks.
  setFlagsFromString("--heap-growing-percent=30");

  log.info({ signal: await told }, "stopping");
  await app.shutdown();
  await telemetry.shutdown();
  log.info("stopped");
}

try {
  await main();
} catch (error) {
  // The log may not be up yet, and the operator looks at the last lines of stderr.
  console.error(error instanceof Error ? error.message : error);
  log.fatal({ err: error }, "cannot start");
  process.exitCode = 1;
}
