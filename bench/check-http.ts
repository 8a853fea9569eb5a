import { answeringStage, CHECK, checkRequest } from "./answering-stage.ts";
import type { Figure } from "./figure.ts";
import { framed } from "./frames.ts";
import { h2load, type Load } from "./h2load.ts";
import { isInstalled } from "./machine.ts";
import { CONNECT, SERVICE, startPeer } from "./peer-programs.ts";
import type { Scenario } from "./scenario.ts";
import { byTurns, type Contender, type Rounds, rates, timesThat } from "./turns.ts";
import { NO_H2LOAD } from "./unary.ts";

const NAME = "check-http";
const CONNECT_VERSION = { "connect-protocol-version": "1" };

interface Protocol {
  readonly name: string;
  readonly headers: Load["headers"];
  readonly body: (destinationId: string) => Uint8Array;
  readonly http1?: true;
}

const json = {
  headers: { "content-type": "application/json", ...CONNECT_VERSION },
  body: (destinationId: string) => Buffer.from(JSON.stringify({ destinationId })),
};

const PROTOCOLS: readonly Protocol[] = [
  {
    name: "gRPC over h2c",
    headers: { "content-type": "application/grpc", te: "trailers" },
    body: (destinationId) => framed(checkRequest(destinationId)),
  },
  {
    name: "Connect over h2c",
    headers: { "content-type": "application/proto", ...CONNECT_VERSION },
    body: checkRequest,
  },
  { name: "Connect JSON over h2c", ...json },
  { name: "Connect JSON over HTTP/1.1", ...json, http1: true },
];

/** Check on the HTTP port, by each protocol, beside connect-node alone. */
export const checkHttp: Scenario = {
  name: NAME,
  async run(bench) {
    if (!isInstalled("h2load")) return goals(new Map()).map((figure) => ({ ...figure, note: NO_H2LOAD }));
    const sizes = bench.short ? { rounds: 1, ms: 400, warmUpMs: 200 } : { rounds: 5, ms: 2500, warmUpMs: 4000 };
    const { ids, answer, addresses, usage } = await answeringStage(bench, 1);
    const peer = await startPeer(bench, CONNECT, answer);
    const contenders = PROTOCOLS.flatMap(({ name, headers, body, http1 = false }): Contender[] => {
      const peerAddress = http1 ? peer.ready.http1! : peer.ready.address;
      // In JSON a good answer is longer than in bytes, and a bad one has a status of HTTP that says so.
      const load = { path: CHECK, headers, body: body(ids[0]!), answerBytes: answer.length, http1 };
      return [
        { name: of(SERVICE, name), usage, ask: (ms) => h2load({ ...load, address: addresses.http, ms }) },
        { name: of(CONNECT, name), usage: peer.usage, ask: (ms) => h2load({ ...load, address: peerAddress, ms }) },
      ];
    });
    const rounds = await byTurns(bench, contenders, { what: NAME, ...sizes });
    return [...goals(rounds), ...rates(NAME, "/s", rounds)];
  },
};

function goals(rounds: Rounds): Figure[] {
  return PROTOCOLS.map(({ name }) => ({
    scenario: NAME,
    name: `${name}: rate over bare connect-node's`,
    ...timesThat(rounds, [of(SERVICE, name), of(CONNECT, name)], "perSecond"),
    unit: "x",
    goal: { atLeast: 0.85 },
  }));
}

function of(server: string, protocol: string): string {
  return `${protocol}: ${server}`;
}
