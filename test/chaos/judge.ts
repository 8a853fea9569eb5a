import { timestampMs } from "@bufbuild/protobuf/wkt";
import { type Availability, ReasonSchema, Source, Verdict } from "../../gen/availability/v1/availability_pb.ts";
import type { Asked } from "./queues.ts";
import { isFelt, type Trouble } from "./trouble.ts";
import type { Truths } from "./truths.ts";

/** How often a queue is read again whatever push says, and a read's own time: who is in it is not told by news. */
const RECONCILED_MS = 330_000;

/** No queue has more agents than these. */
const NUMBERS = Array.from({ length: 30 }, (_, value) => value);

/** How an answer compares with the truth. */
export type Judgement =
  /** It was so at a moment between its observation and now. */
  | "right"
  /** So for each agent's fields at some moment in between, though not all at the same. */
  | "right, put together"
  /** RingCentral had not sent the news that were due. */
  | "right but for late news"
  /** RingCentral lost the news that were due. */
  | "right but for lost news"
  /** RingCentral sends no news of agents who hide their presence, their Do Not Disturb included, which queues show. */
  | "right but for agents who hide"
  /** RingCentral sends no news of who is in a queue. */
  | "right but for members who moved"
  | "wrong";

/** What the criteria said, whatever became of it by policy; undefined when there is nothing to compare. */
export interface Claim {
  readonly measured: number | undefined;
  readonly accepted: boolean;
  readonly observedAt: number;
}

/** Undecided is a claim too where an older verdict stands in. */
export function claimOf({ verdict, source, measured, accepted, observedAt }: Availability): Claim | undefined {
  if (!observedAt || (verdict === Verdict.UNDECIDED && source !== Source.LAST_KNOWN)) return undefined;
  return { measured, accepted, observedAt: timestampMs(observedAt) };
}

export function reasonOf({ reason }: Availability): Trouble["reasons"][number] {
  return ReasonSchema.value[reason]!.localName as Trouble["reasons"][number];
}

/** Compares answers with the truth, knowing what goes wrong when. */
export class Judge {
  readonly #truths: Truths;
  readonly #troubles: readonly Trouble[];
  readonly #origin: number;

  constructor(truths: Truths, deps: { troubles: readonly Trouble[]; origin: number }) {
    this.#truths = truths;
    this.#troubles = deps.troubles;
    this.#origin = deps.origin;
  }

  /** Troubles that may be felt at a time, Unix milliseconds. */
  felt(at: number): Trouble[] {
    return this.#troubles.filter((trouble) => isFelt(trouble, (at - this.#origin) / 1000));
  }

  /** What is said, compared with what was. `until`: when it was said, Unix milliseconds. */
  judge({ queueId, kind, moreThan }: Asked, { measured, accepted, observedAt }: Claim, until: number): Judgement {
    const felt = this.felt(until);
    const atLeast = kind.joined && felt.some(({ hides }) => hides);
    const fits = (value: number) =>
      accepted === value > moreThan && (measured === undefined || measured === value || (atLeast && measured < value));
    const wasSo = (from: number) => [...this.#truths.between(queueId, from, until)].some(fits);
    if (wasSo(observedAt)) return "right";
    const couldBe = (from: number) =>
      measured !== undefined &&
      accepted === measured > moreThan &&
      this.#truths.couldBe(queueId, measured, from, until);
    if (couldBe(observedAt)) return "right, put together";
    const late = Math.max(0, ...felt.map(({ newsLate = 0 }) => newsLate * 1000));
    if (late > 0 && (wasSo(observedAt - late) || couldBe(observedAt - late))) return "right but for late news";
    const lost = felt.find(({ losesNews }) => losesNews);
    const lostAt = lost && this.#origin + lost.at * 1000;
    if (lostAt !== undefined && (wasSo(lostAt) || couldBe(lostAt))) return "right but for lost news";
    const since = until - RECONCILED_MS;
    const couldHide = (value: number) => this.#truths.couldBeHidden(queueId, value, observedAt, until, since);
    if (felt.some(({ hides }) => hides) && NUMBERS.some((value) => fits(value) && couldHide(value))) {
      return "right but for agents who hide";
    }
    if (measured !== undefined && this.#truths.couldBeBefore(queueId, measured, since)) {
      return "right but for members who moved";
    }
    return "wrong";
  }

  /** Why an answer at `at` should not be undecided, or not for that reason; undefined when it is as it should be. */
  misplaced({ kind }: Asked, reason: Trouble["reasons"][number], at: number): string | undefined {
    const felt = this.felt(at);
    if (reason === "PRESENCE_UNKNOWN" && !kind.joined) return "PRESENCE_UNKNOWN where no field can be missing";
    if (felt.some(({ reasons }) => reasons.includes(reason))) return undefined;
    return `${reason} in ${felt.map(({ name }) => `"${name}"`).join(" and ") || "quiet"}`;
  }
}
