import type { MemberChange } from "../simulator/agent.ts";
import type { Switches } from "../simulator/switches.ts";

/** What the simulator was asked so far: requests by route and status, the most calls in any minute by usage group. */
export interface Usage {
  readonly calls: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly most: Readonly<Record<"light" | "medium" | "heavy" | "auth", number>>;
}

interface SimulatorState {
  readonly queues: readonly { id: string; members: readonly { acceptCurrentQueueCalls: boolean }[] }[];
}

/** The simulator's `/simulator/...`, see simulator/control.ts. */
export interface SimulatorControl {
  usage(): Promise<Usage>;
  state(): Promise<SimulatorState>;
  /** Changes a member; resolves to when that was, in milliseconds of the machine's monotonic clock. */
  change(queueId: string, member: number, change: MemberChange): Promise<number>;
  /** Calls per minute by usage group; null = no limit. */
  limits(limits: Partial<Record<keyof Usage["most"], number | null>>): Promise<void>;
  switches(switches: Partial<Switches>): Promise<void>;
  /** Resets every WebSocket. */
  cut(): Promise<void>;
}

export function simulatorControl(origin: string): SimulatorControl {
  async function call<Answer>(path: string, body?: object): Promise<Answer> {
    const request = body && { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`${origin}/simulator/${path}`, request);
    if (!answer.ok) throw new Error(`Cannot control the simulator: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  }
  return {
    usage: () => call("usage"),
    state: () => call("state"),
    async change(queueId, member, change) {
      return (await call<{ monotonicMs: number }>("agents", { queueId, member, ...change })).monotonicMs;
    },
    limits: (limits) => call("limits", limits),
    switches: (switches) => call("switches", switches),
    cut: () => call("sockets", { cut: "abrupt" }),
  };
}

/** Requests on these routes (all of them when none is named) with any status, or with `status` alone. */
export function callsIn({ calls }: Usage, routes: readonly string[] = [], status?: number): number {
  let sum = 0;
  for (const [route, byStatus] of Object.entries(calls)) {
    if (routes.length > 0 && !routes.includes(route)) continue;
    for (const [code, count] of Object.entries(byStatus)) {
      if (status === undefined || Number(code) === status) sum += count;
    }
  }
  return sum;
}
