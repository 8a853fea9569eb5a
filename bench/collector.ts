import { createServer } from "node:http";
import { listen, ready } from "./peers/peer.ts";

// A collector that takes all that is exported to it and keeps nothing: it counts the exports by path.

const exports: Record<string, number> = {};
const server = createServer((request, response) => {
  const { url = "" } = request;
  request.resume();
  request.once("end", () => {
    exports[url] = (exports[url] ?? 0) + 1;
    response.end();
  });
});
ready({ address: await listen(server) }, () => exports);
