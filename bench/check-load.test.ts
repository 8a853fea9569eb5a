import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { type Availability, AvailabilitySchema, Reason, Verdict } from "../gen/availability/v1/availability_pb.ts";
import { checkLoad, decidedPercent, type Tally } from "./check-load.ts";

/** What is taken of a load of Checks on a service that answers with `each`, once at least `wanted` were answered. */
async function tallyOf(each: () => Availability | Error, wanted: number): Promise<Tally> {
  let asked = 0;
  const client = {
    async check() {
      asked++;
      const answer = each();
      if (answer instanceof Error) throw answer;
      return { availability: answer };
    },
  } as unknown as Parameters<typeof checkLoad>[0]["availability"];
  const load = checkLoad({ availability: client }, { ids: ["a"], perSecond: 1000, maxAgeMs: 5000, random: () => 0 });
  await expect.poll(() => asked >= wanted).toBe(true);
  await load.stop();
  return load.take();
}

function availability(verdict: Verdict, reason: Reason, ageMs: number): Availability {
  return create(AvailabilitySchema, { verdict, reason, observedAt: timestampFromMs(Date.now() - ageMs) });
}

test("checkLoad() counts decided answers, undecided ones by reason, and those from what was too old", async () => {
  const answers = [
    availability(Verdict.ACCEPTED, Reason.CRITERIA_MET, 0),
    availability(Verdict.REJECTED, Reason.CRITERIA_NOT_MET, 9000),
    availability(Verdict.UNDECIDED, Reason.UPSTREAM_RATE_LIMITED, 9000),
  ];
  let next = 0;
  const { answered, decided, undecided, tooOld } = await tallyOf(() => answers[next++ % 3]!, 3);
  expect(answered).toBe(next);
  expect(undecided).toEqual({ UPSTREAM_RATE_LIMITED: answered - decided });
  expect(Math.abs(decided - 2 * tooOld)).toBeLessThanOrEqual(1);
  expect(decidedPercent({ answered: 8, decided: 6, undecided: {}, tooOld: 0 })).toBe(75);
});

test("checkLoad() throws when a Check failed", async () => {
  await expect(tallyOf(() => new Error("no way"), 1)).rejects.toThrow("Cannot go on measuring: a Check failed: no way");
});
