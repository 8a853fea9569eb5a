import { type Availability, Reason, Verdict } from "../gen/availability/v1/availability_pb.ts";
import type { Clients } from "../test/support/clients.ts";

/** How Checks of a period were answered. */
export interface Tally {
  answered: number;
  /** ACCEPTED or REJECTED, which only what is young enough can be. */
  decided: number;
  /** UNDECIDED by reason. */
  readonly undecided: Record<string, number>;
  /** Decided from what was older than max_age already when the Check was sent: has to be 0. */
  tooOld: number;
}

/** Checks that go on and on, as many per second as were asked for, however long the answers take. */
export interface CheckLoad {
  /** What was answered since the last call; throws when a Check failed, or none was answered. */
  take(): Tally;
  /** Ends; resolves when all that were sent are answered. */
  stop(): Promise<void>;
}

const EVERY_MS = 10;

/** Begins Checks of `ids`, one chosen by `random` for each. */
export function checkLoad(
  { availability }: Pick<Clients, "availability">,
  options: { ids: readonly string[]; perSecond: number; maxAgeMs: number; random: () => number },
): CheckLoad {
  const { ids, perSecond, maxAgeMs, random } = options;
  let tally = emptyTally();
  let failed: Error | undefined;
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  const start = performance.now();

  const check = async (destinationId: string) => {
    const sentAt = Date.now();
    try {
      const { availability: answer } = await availability.check({ destinationId });
      count(tally, answer!, sentAt - maxAgeMs);
    } catch (error) {
      failed ??= error instanceof Error ? error : new Error(String(error));
    }
  };
  const sending = setInterval(() => {
    const due = ((performance.now() - start) / 1000) * perSecond;
    for (; sent < due; sent++) {
      const answered = check(ids[Math.floor(random() * ids.length)]!).finally(() => underWay.delete(answered));
      underWay.add(answered);
    }
  }, EVERY_MS);

  return {
    take() {
      const taken = tally;
      tally = emptyTally();
      if (failed) throw new Error(`Cannot go on measuring: a Check failed: ${failed.message}`);
      if (taken.answered === 0) throw new Error("Cannot go on measuring: no Check was answered");
      return taken;
    },
    async stop() {
      clearInterval(sending);
      await Promise.all(underWay);
    },
  };
}

/** The share of the answers that were decided, in percent. */
export function decidedPercent({ answered, decided }: Tally): number {
  return (100 * decided) / answered;
}

function emptyTally(): Tally {
  return { answered: 0, decided: 0, undecided: {}, tooOld: 0 };
}

/** `oldest`: what was observed before is too old, Unix milliseconds. */
function count(tally: Tally, { verdict, reason, observedAt }: Availability, oldest: number): void {
  tally.answered++;
  if (verdict === Verdict.UNDECIDED) {
    const name = nameOf(reason);
    tally.undecided[name] = (tally.undecided[name] ?? 0) + 1;
    return;
  }
  tally.decided++;
  const observed = observedAt ? Number(observedAt.seconds) * 1000 + observedAt.nanos / 1e6 : 0;
  if (observed < oldest) tally.tooOld++;
}

function nameOf(reason: Reason): string {
  return Object.entries(Reason).find(([, value]) => value === reason)?.[0] ?? String(reason);
}
