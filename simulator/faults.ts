import type { RouteName } from "./call.ts";

/** What goes wrong with a request. Times are in milliseconds. */
export type FaultKind =
  /** 401 OAU-213: the token is not known any more. */
  | { kind: "unauthorized" }
  /** 403 CMN-401 (the app) or, with `of: "user"`, CMN-408; the permission is ReadPresence unless given. */
  | { kind: "forbidden"; permission?: string; of?: "app" | "user" }
  /** CMN-102 for groupId. */
  | { kind: "not-found"; status?: 400 | 404 }
  /** 429 CMN-301 with headers; `retryAfter` in seconds, 60 unless given, null = no Retry-After. */
  | { kind: "rate-limited"; retryAfter?: number | null }
  /** 429 of the edge: HTML, no headers. */
  | { kind: "rate-limited-at-edge" }
  /** 500 CMN-203. */
  | { kind: "internal-error" }
  /** 503 CMN-211; `retryAfter` in seconds, 30 unless given. */
  | { kind: "maintenance"; retryAfter?: number }
  /** A proxy's HTML for 502 (unless given), 503 or 504, without Retry-After. */
  | { kind: "proxy-error"; status?: number }
  /** The connection is reset before an answer. */
  | { kind: "reset" }
  /** No answer until `release()`, then the ordinary one. */
  | { kind: "hang" }
  /** The ordinary answer, as of the time the request came, later. */
  | { kind: "delay"; ms: number }
  /** The ordinary answer, its body in ten pieces over that time. */
  | { kind: "slow-body"; ms: number }
  /** The ordinary answer's headers and half of its body, then the connection is cut. */
  | { kind: "cut-body" }
  /** A valid document, blown up with white space to that many bytes. */
  | { kind: "huge-body"; bytes: number }
  /** 200, JSON by its content type, and not JSON. */
  | { kind: "not-json" }
  /** 200 with a page for people. */
  | { kind: "html" }
  /** 200 and a document without `records`. */
  | { kind: "no-records" }
  /** The ordinary answer with a flag missing in the first `records` of its records (all unless given). */
  | { kind: "flag-missing"; flag: "acceptCurrentQueueCalls" | "acceptQueueCalls"; records?: number }
  /** A redirect to `location`, 302 unless given. */
  | { kind: "redirect"; location: string; status?: number }
  /** An error in the token endpoint's form, 400 unless given. */
  | { kind: "oauth-error"; error: string; code?: string; message?: string; status?: number }
  /** Any answer at all. */
  | { kind: "answer"; status: number; headers?: Record<string, string>; body?: string };

/** A fault and the requests it is for. */
export type Fault = FaultKind & {
  /** Only such requests; queue presence and unknown paths unless given. */
  on?: RouteName | readonly RouteName[] | "any";
  /** Only requests for this queue; every request unless given. */
  queueId?: string;
  /** How many requests, 1 unless given; Infinity = until cleared. */
  times?: number;
};

/** Every kind there is, for checking what comes over the control endpoint. */
export const FAULT_KINDS: Record<FaultKind["kind"], true> = {
  unauthorized: true,
  forbidden: true,
  "not-found": true,
  "rate-limited": true,
  "rate-limited-at-edge": true,
  "internal-error": true,
  maintenance: true,
  "proxy-error": true,
  reset: true,
  hang: true,
  delay: true,
  "slow-body": true,
  "cut-body": true,
  "huge-body": true,
  "not-json": true,
  html: true,
  "no-records": true,
  "flag-missing": true,
  redirect: true,
  "oauth-error": true,
  answer: true,
};

const LEAVING_ANSWER: ReadonlySet<FaultKind["kind"]> = new Set([
  "hang",
  "delay",
  "slow-body",
  "cut-body",
  "huge-body",
  "not-json",
  "flag-missing",
]);

/** Whether the request is served as ever, and only its answer suffers. */
export function leavesAnswer(fault: FaultKind): boolean {
  return LEAVING_ANSWER.has(fault.kind);
}

const USUAL: readonly RouteName[] = ["queue-presence", "unknown"];

/** Faults waiting for requests: each request takes the oldest one that is for it. */
export class Faults {
  #waiting: { fault: Fault; left: number }[] = [];
  readonly #held = new Set<() => void>();

  /** Queues faults, one after another. */
  add(...faults: Fault[]): void {
    for (const fault of faults) this.#waiting.push({ fault, left: fault.times ?? 1 });
  }

  /** The fault for such a request, and to this queue; counted as used. */
  take(on: RouteName, queueId: string | undefined): Fault | undefined {
    const found = this.#waiting.find(({ fault }) => {
      const { on: wanted = USUAL } = fault;
      const meant = wanted === "any" || wanted === on || (Array.isArray(wanted) && wanted.includes(on));
      return meant && (fault.queueId === undefined || fault.queueId === queueId);
    });
    if (!found) return undefined;
    found.left--;
    if (found.left <= 0) this.#waiting = this.#waiting.filter((entry) => entry !== found);
    return found.fault;
  }

  /** Requests that waiting faults are still for. */
  get left(): number {
    return this.#waiting.reduce((sum, { left }) => sum + left, 0);
  }

  /** Requests hanging now. */
  get hanging(): number {
    return this.#held.size;
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Lets every hanging request have its answer. */
  release(): void {
    for (const resume of [...this.#held]) resume();
  }

  /** Resolves at `release()`, or as soon as `signal` is aborted. */
  held(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const resume = () => {
        this.#held.delete(resume);
        signal.removeEventListener("abort", resume);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#held.add(resume);
      signal.addEventListener("abort", resume, { once: true });
    });
  }
}
