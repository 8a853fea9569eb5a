import { optionsFrom, USAGE } from "./flags.ts";
import { startSimulator } from "./server.ts";

// The simulator as a program: prints its origin and queues as one line of JSON when it listens, and runs until SIGTERM.

try {
  const simulator = await startSimulator(optionsFrom(process.argv.slice(2)));
  const stop = () => void simulator.close().then(() => process.exit(0));
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  console.log(JSON.stringify({ origin: simulator.origin, queues: simulator.world.queueIds }));
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 2;
}
