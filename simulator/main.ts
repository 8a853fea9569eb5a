import { parseArgs } from "node:util";
import { LAYOUTS, type Layout } from "./layout.ts";
import { type SimulatorOptions, startSimulator } from "./server.ts";

// The simulator as a program: prints its origin and queues as one line of JSON when it listens, and runs until SIGTERM.

const USAGE = `Usage: node simulator/main.ts [--port N] [--token TEXT] [--queues N] [--agents N] [--layout ${LAYOUTS.join("|")}]
  [--interval MS] [--limit N|unlimited] [--seed N]`;

function optionsFrom(args: string[]): SimulatorOptions {
  const text = { type: "string" } as const;
  const { values } = parseArgs({
    args,
    options: {
      port: text,
      token: text,
      queues: text,
      agents: text,
      layout: text,
      interval: text,
      limit: text,
      seed: text,
    },
  });
  const number = (name: "port" | "queues" | "agents" | "interval" | "seed", fallback: number) => {
    const value = values[name] ?? String(fallback);
    if (!/^\d+$/.test(value)) throw new Error(`Cannot use --${name} "${value}": not a whole number`);
    return Number(value);
  };
  const { layout = "jackson", limit = "50" } = values;
  if (!LAYOUTS.includes(layout as Layout))
    throw new Error(`Cannot use --layout "${layout}": not ${LAYOUTS.join(", ")}`);
  if (!/^(\d+|unlimited)$/.test(limit))
    throw new Error(`Cannot use --limit "${limit}": neither a number nor unlimited`);
  const queues = number("queues", 2);
  return {
    port: number("port", 0),
    ...(values.token === undefined ? {} : { token: values.token }),
    queues,
    agents: number("agents", queues * 3),
    layout: layout as Layout,
    intervalMs: number("interval", 2000),
    limits: { light: limit === "unlimited" ? Number.POSITIVE_INFINITY : Number(limit) },
    seed: number("seed", 1),
    control: true,
  };
}

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
