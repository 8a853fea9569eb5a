import { BUDGET } from "./losing.ts";
import type { Trouble } from "./trouble.ts";

/** Sockets that end, and news that are late, lost or out of order. */
export const PUSH: readonly Trouble[] = [
  // A short gap is recovered without a reading.
  {
    name: "sockets are closed",
    at: 2030,
    lasts: 1,
    feltFor: 20,
    reasons: BUDGET,
    begin: ({ simulator }) => simulator.gateway.cut("clean"),
  },
  {
    name: "sockets break off",
    at: 2090,
    lasts: 1,
    feltFor: 20,
    reasons: BUDGET,
    begin: ({ simulator }) => simulator.gateway.cut("abrupt"),
  },
  {
    name: "sockets fall silent",
    at: 2150,
    lasts: 1,
    feltFor: 90,
    reasons: BUDGET,
    begin: ({ simulator }) => simulator.gateway.cut("silent"),
  },
  {
    name: "five news are lost",
    at: 2250,
    lasts: 10,
    feltFor: 60,
    reasons: [],
    losesNews: true,
    begin: ({ simulator }) => simulator.gateway.dropNext(5),
  },
  {
    name: "REST up, WebSocket down",
    at: 2320,
    lasts: 140,
    feltFor: 130,
    reasons: BUDGET,
    begin({ simulator }) {
      simulator.switches.gateway = "unavailable";
      simulator.gateway.cut("abrupt");
    },
    end: ({ simulator }) => {
      simulator.switches.gateway = "up";
    },
  },
  {
    name: "news come 1.5 s late",
    at: 2600,
    lasts: 60,
    feltFor: 5,
    reasons: [],
    newsLate: 1.5,
    begin: ({ simulator }) => {
      simulator.switches.newsDelayMs = 1_500;
    },
    end: ({ simulator }) => {
      simulator.switches.newsDelayMs = 0;
    },
  },
  {
    name: "news come out of order",
    at: 2680,
    lasts: 60,
    feltFor: 10,
    reasons: [],
    newsLate: 5,
    every: 3,
    begin: ({ simulator }) => simulator.gateway.reorderNext(3),
  },
];
