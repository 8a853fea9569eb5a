import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { createInterface } from "node:readline";

// What the peers have in common: their arguments, and the lines of JSON they say and are told.

/** The answer that is given to every Check: a CheckResponse, as the service gave it. */
export function answerFromArguments(): Buffer {
  return Buffer.from(process.argv[2] ?? "", "base64");
}

/** Binds any free port; resolves to the address. */
export async function listen(server: Pick<Server, "listen" | "address" | "once">): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server as Server, "listening");
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says that the program is ready, and answers each command by what `obey` makes of it. */
export function ready(said: object, obey: (command: Record<string, unknown>) => unknown = () => ({})): void {
  const say = (line: unknown) => console.log(JSON.stringify(line));
  createInterface(process.stdin).on("line", (line) => {
    void Promise.resolve(obey(JSON.parse(line))).then(say);
  });
  process.once("SIGTERM", () => process.exit(0));
  say({ ready: true, ...said });
}
