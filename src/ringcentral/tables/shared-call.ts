import type { SpanContext } from "@opentelemetry/api";
import type { Clock } from "../../lib/clock.ts";
import type { ApiFailure, CallOptions } from "../calls/call.ts";
import { Turn } from "../calls/turn.ts";

/** What a shared call came to for those who wait for it. */
export type Refreshed = { readonly ok: true } | ApiFailure;

/**
 * SharedCall is one read under way and everybody who waits for it: it lasts until nobody does, and comes first as soon as
 * a Check is among them. Who leaves detaches only himself.
 */
export class SharedCall {
  /** The extensions that it will tell of; undefined = all of the account. */
  extensionIds: ReadonlySet<string> | undefined;
  /** The extensions for whose sake somebody waits. */
  readonly wanted = new Set<string>();
  /** Unix milliseconds at which its first request was sent; undefined while it waits for its turn. */
  sentAt: number | undefined;
  outcome: Promise<Refreshed> = Promise.resolve({ ok: true });
  readonly #waiters: CallOptions[] = [];
  readonly #abort = new AbortController();
  readonly #turn: Turn;
  #hadTurn = false;
  #onLink: ((link: SpanContext) => void) | undefined;

  constructor(extensionIds: readonly string[] | undefined, wanted: Iterable<string>, first: readonly CallOptions[]) {
    this.extensionIds = extensionIds && new Set(extensionIds);
    const [soonest] = first.map(({ turn }) => turn).sort((one, other) => one.order - other.order);
    this.#turn = new Turn(soonest?.purpose ?? "reconcile");
    for (const options of first) this.join(options, wanted);
  }

  /** Whether it will tell of this extension what is as new as `notBefore`. */
  suits(extensionId: string, notBefore: number): boolean {
    if (this.#abort.signal.aborted || this.extensionIds?.has(extensionId) === false) return false;
    return this.sentAt === undefined || this.sentAt >= notBefore;
  }

  /** Whether it tells of any of these. */
  tellsOf(extensionIds: ReadonlySet<string>): boolean {
    return this.extensionIds === undefined || !this.extensionIds.isDisjointFrom(extensionIds);
  }

  /** Somebody waits for it, for the sake of these extensions among others. */
  join(options: CallOptions, extensionIds: Iterable<string>): void {
    for (const id of extensionIds) this.wanted.add(id);
    if (this.#waiters.includes(options)) return;
    this.#waiters.push(options);
    for (const link of options.links ?? []) this.#onLink?.(link);
    options.onLink?.((link) => this.#onLink?.(link));
    if (this.#hadTurn) options.onTurn?.();
    if (this.sentAt !== undefined) options.onSent?.(this.sentAt);
    // The turn of the read it belongs to was served before; a Check that joins that read now waits for this.
    options.turn.leadTo(this.#turn);
    const leave = () => {
      if (this.#waiters.every(({ timeUp }) => timeUp.aborted)) this.#abort.abort();
    };
    if (options.timeUp.aborted) leave();
    else options.timeUp.addEventListener("abort", leave, { once: true });
  }

  /** What its call is made with. */
  get options(): CallOptions {
    return {
      timeUp: this.#abort.signal,
      deadline: () => Math.max(...this.#waiters.map(({ deadline }) => deadline())),
      turn: this.#turn,
      links: [...new Set(this.#waiters.flatMap(({ links }) => links ?? []))],
      onLink: (listener) => {
        this.#onLink = listener;
      },
      onTurn: () => {
        this.#hadTurn = true;
        for (const { onTurn } of this.#waiters) onTurn?.();
      },
      onSent: (sentAt) => {
        this.sentAt ??= sentAt;
        for (const { onSent } of this.#waiters) onSent?.(sentAt);
      },
      onAttempt: (call) => {
        for (const { onAttempt } of this.#waiters) onAttempt?.(call);
      },
      backsOff: this.#waiters.some(({ backsOff }) => backsOff !== false),
    };
  }
}

/** What shared work comes to, for one who waits for it: it goes on for the others, who has no time left is told so. */
export function untilTimeUp(
  work: Promise<Refreshed>,
  timeUp: AbortSignal,
  { clock, action }: { clock: Pick<Clock, "now">; action: string },
): Promise<Refreshed> {
  return new Promise((resolve) => {
    const leave = () => {
      const message = `Cannot ${action}: no whole answer came in time`;
      const failure = { reason: "UPSTREAM_TIMEOUT", scope: "question", message } as const;
      resolve({ ok: false, failure, until: clock.now() });
    };
    if (timeUp.aborted) return leave();
    timeUp.addEventListener("abort", leave, { once: true });
    void work.then((outcome) => {
      timeUp.removeEventListener("abort", leave);
      resolve(outcome);
    });
  });
}
