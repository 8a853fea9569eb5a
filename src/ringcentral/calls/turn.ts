/**
 * What a call is for, in the order in which calls get their turn. Scheduled reads leave a part of the limit to Checks, the
 * rolling reconcile leaves half of it to everybody.
 */
export type Purpose = "never_read" | "check" | "asked_lately" | "watched" | "reconcile";

const ORDER: Record<Purpose, number> = { never_read: 0, check: 1, asked_lately: 2, watched: 3, reconcile: 4 };

/** Turn is the place of one call, or of the read it belongs to, among those who wait for a budget. */
export class Turn {
  #purpose: Purpose;
  /** A Check waits for it: it may use the whole limit. */
  #forCheck: boolean;
  readonly #before = new Set<Turn>();
  readonly #next = new Set<Turn>();
  #waitsUntil = 0;
  /** Told when the purpose changed. */
  onRaise: (() => void) | undefined;
  /** Told when it is to wait, or another time. */
  onWait: (() => void) | undefined;

  constructor(purpose: Purpose) {
    this.#purpose = purpose;
    this.#forCheck = purpose === "check";
  }

  get purpose(): Purpose {
    return this.#purpose;
  }

  get forCheck(): boolean {
    return this.#forCheck;
  }

  /** Until when it waits as things stand, or one that follows it, Unix milliseconds; 0 when none waits. */
  get waitsUntil(): number {
    let until = this.#waitsUntil;
    for (const next of this.#next) until = Math.max(until, next.waitsUntil);
    return until;
  }

  set waitsUntil(until: number) {
    if (until === this.#waitsUntil) return;
    this.#waitsUntil = until;
    this.#tell();
  }

  /** Position among purposes, 0 first. */
  get order(): number {
    return ORDER[this.#purpose];
  }

  /** A Check waits for it now. */
  raise(): void {
    if (this.#forCheck) return;
    this.#forCheck = true;
    if (this.order > ORDER.check) this.#purpose = "check";
    this.onRaise?.();
    for (const next of this.#next) next.raise();
  }

  /** Whoever waits for this one waits for that one too, the turn of a further call: it is raised with this one. */
  leadTo(next: Turn): void {
    this.#next.add(next);
    next.#before.add(this);
    if (this.#forCheck) next.raise();
    if (next.waitsUntil > 0) this.#tell();
  }

  #tell(): void {
    this.onWait?.();
    for (const turn of this.#before) turn.#tell();
  }
}
