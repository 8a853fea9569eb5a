import { type Child, startChild } from "../simulator/child.ts";
import { placed, type Side } from "./placement.ts";
import { type ProcessUsage, usageOf } from "./process-usage.ts";

export interface ProgramOptions {
  readonly name: string;
  /** A TypeScript file that this Node runs, or another program. */
  readonly program: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it runs; anywhere unless set. */
  readonly side?: Side | undefined;
}

/** A program of the benchmark that says in one line of JSON when it is ready, and answers each line it is told by one. */
export interface Program<Ready> {
  readonly ready: Ready;
  /** Tells it a command; resolves to its answer, or rejects with its `error`. One at a time. */
  ask<Answer>(command: object): Promise<Answer>;
  usage(): ProcessUsage;
}

/** What programs end with: the scenario that started them. */
export interface Ends {
  readonly ends: AsyncDisposableStack;
  /** Hears of a program that ends by itself. */
  readonly onDied: (error: Error) => void;
}

/** Starts a program; resolves when it has said that it is ready. */
export async function startProgram<Ready extends object>(
  { name, program, args = [], env = {}, side }: ProgramOptions,
  { ends, onDied }: Ends,
): Promise<Program<Ready>> {
  const { PATH = "", HOME = "" } = process.env;
  let ready = false;
  let answer = Promise.withResolvers<Record<string, unknown>>();
  const child: Child<Ready> = startChild(
    name,
    [],
    (line) => (Object.keys(line).length > 0 ? (line as Ready) : undefined),
    {
      env: { PATH, HOME, ...env },
      command: commandOf([...(program.endsWith(".ts") ? [process.execPath] : []), program, ...args], side),
      onSaid: (line) => {
        if (ready) answer.resolve(line);
        ready = true;
      },
    },
  );
  ends.defer(() => child.stop());
  child.died.catch(onDied);
  return {
    ready: await child.ready,
    async ask<Answer>(command: object) {
      answer = Promise.withResolvers();
      child.tell(JSON.stringify(command));
      const said = await answer.promise;
      if (typeof said.error === "string") throw new Error(`The ${name} failed: ${said.error}`);
      return said as Answer;
    },
    usage: () => usageOf(child.pid!),
  };
}

/** A command as it is run on a side of the measurement. */
export function commandOf(command: readonly string[], side: Side | undefined): [string, ...string[]] {
  const [program = "", ...rest] = side ? [...placed(side), ...command] : command;
  return [program, ...rest];
}
