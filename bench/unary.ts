import { CHECK } from "./answering-stage.ts";
import { framed } from "./frames.ts";
import { h2load } from "./h2load.ts";
import type { ProcessUsage } from "./process-usage.ts";
import type { Contender } from "./turns.ts";

interface Server {
  readonly address: string;
  readonly usage: () => ProcessUsage;
}

/** Why figures by h2load are missing, in their note. */
export const NO_H2LOAD = "h2load is not installed (Debian's nghttp2-client)";

/** Asks one gRPC method by h2load, always with the same request; an answer has `answerBytes` at least. */
export function grpcCalls(
  name: string,
  { address, usage }: Server,
  { path = CHECK, request, answerBytes }: { path?: string; request: Uint8Array; answerBytes: number },
): Contender {
  const headers = { "content-type": "application/grpc", te: "trailers" };
  const body = framed(request);
  return { name, usage, ask: (ms) => h2load({ address, path, headers, body, answerBytes, ms }) };
}
