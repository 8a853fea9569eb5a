import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Availability, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import type { TestClock } from "../../src/lib/test-clock.ts";
import { claimOf, Judge, reasonOf } from "./judge.ts";
import { NaiveClient } from "./naive-client.ts";
import type { Asked } from "./queues.ts";
import { startServiceOn } from "./service.ts";
import { type Stage, setScene } from "./stage.ts";
import { Tally } from "./tally.ts";
import type { Scene } from "./trouble.ts";
import { callsBefore, seconds } from "./upstream.ts";

/** How long a caller with little time waits. */
const IMPATIENT_MS = 1_000;
/** How much of the past is shown of a wrong answer. */
const SHOWN_MS = 20_000;

/** Somebody who asks about the queues of a simulator of his own. */
export interface Player {
  readonly name: string;
  readonly scene: Scene;
  readonly asked: readonly Asked[];
  readonly tally: Tally;
  check(asked: Asked, impatient: boolean): Promise<void>;
}

/** This service, every answer of which is compared with the truth. */
export async function servicePlayer(stage: Stage): Promise<Player> {
  const { clock, origin, troubles, closing, episodes } = stage;
  const { asked, scene } = await setScene(stage, { limited: true });
  const { simulator, truths } = scene;
  const judge = new Judge(truths, { troubles, origin });
  const service = await startServiceOn(clock, simulator, stage);
  closing.defer(() => inTime(service.stop(), clock));
  await service.configure(asked);
  const tally = new Tally();

  const tell = (what: string, one: Asked, availability: Availability) => {
    const { verdict, measured, observedAt, source, message } = availability;
    const at = clock.now();
    const from = observedAt ? timestampMs(observedAt) : at;
    const felt = judge.felt(at).map(({ name }) => name);
    const answer = [
      `verdict ${verdict} ${reasonOf(availability)}`,
      `measured ${measured}`,
      `source ${source}`,
      `observed at ${seconds(from, origin)}: ${message}`,
    ];
    const lines = [
      `${seconds(at, origin)} ${one.id} (${one.kind.name} > ${one.moreThan}, ${one.maxAgeMs} ms): ${what}`,
      `  answered ${answer.join(", ")}`,
      `  felt: ${felt.join("; ") || "nothing"}`,
      `  truth, queue ${one.queueId.slice(-3)}:`,
      truths.journal(one.queueId, from - SHOWN_MS, at, origin),
      "  calls:",
      callsBefore(simulator.requests, at, origin),
    ];
    stage.faults.push(lines.join("\n"));
  };

  const check = async (one: Asked, impatient: boolean) => {
    const askedAt = clock.now();
    const availability = await service.check(one, impatient ? IMPATIENT_MS : undefined);
    const at = clock.now();
    tally.checks++;
    if (availability.accepted !== truths.at(one.queueId) > one.moreThan) tally.missed++;
    const reason = availability.verdict === Verdict.UNDECIDED ? reasonOf(availability) : undefined;
    const claim = claimOf(availability);
    const judgement = claim && judge.judge(one, claim, at);
    episodes.count((at - origin) / 1000, reason);
    if (judgement === "wrong") tell("WRONG", one, availability);
    if (reason !== undefined) {
      tally.undecide(reason);
      const misplaced = judge.misplaced(one, reason, at);
      if (misplaced === undefined) return;
      tally.misplaced++;
      tell(`undecided for no good reason: ${misplaced}`, one, availability);
    } else if (claim && judgement) {
      tally.judge(one.id, judgement, claim.accepted, at);
      if (claim.observedAt >= askedAt - one.maxAgeMs) return;
      tally.tooOld++;
      tell("older than it may be", one, availability);
    } else tell("decided on nothing", one, availability);
  };
  return { name: "this service", scene, asked, tally, check };
}

/** A naive client, for which only its decisions count. */
export async function naivePlayer(
  stage: Stage,
  name: string,
  how: { mended: boolean; limited: boolean },
): Promise<Player> {
  const { clock, origin, closing } = stage;
  const { asked, scene } = await setScene(stage, how);
  // It reads, so that no news can mislead it.
  const judge = new Judge(scene.truths, { troubles: [], origin });
  const client = new NaiveClient(scene.simulator, clock, how);
  closing.defer(() => inTime(client.close(), clock));
  const tally = new Tally();
  const check = async (one: Asked) => {
    const { accepted, observedAt } = await client.check(one);
    const at = clock.now();
    tally.checks++;
    tally.judge(one.id, judge.judge(one, { accepted, observedAt, measured: undefined }, at), accepted, at);
    if (accepted !== scene.truths.at(one.queueId) > one.moreThan) tally.missed++;
  };
  return { name, scene, asked, tally, check };
}

/** Lets the clock go on until something is done; it has to be within a minute. */
async function inTime(work: Promise<void>, clock: TestClock): Promise<void> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  for (let waited = 0; !done; waited++) {
    if (waited === 60) throw new Error("Cannot end the hour: somebody is not closed within a minute");
    await clock.advance(1_000);
  }
  await finished;
}
