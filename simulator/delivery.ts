import type { Clock } from "./clock.ts";
import type { Link } from "./link.ts";

/** One message to a client, as the simulator knows it. */
export interface Notice {
  /** The path that the event names. */
  readonly event: string;
  readonly body: object;
  /** When what it tells of happened, Unix milliseconds. */
  readonly changedAt: number;
  /** Its place in the session. */
  readonly sequence: number;
  /** When it was given to the socket; undefined while there was none, and for one that was lost. */
  sentAt: number | undefined;
}

const KEPT = 10_000;

/** Delivery sends notices, and loses or turns them round on command. */
export class Delivery {
  readonly notices: Notice[] = [];
  readonly #clock: Clock;
  #drop = 0;
  #hold = 0;
  #held: (() => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  dropNext(count: number): void {
    this.#drop += count;
  }

  reorderNext(count: number): void {
    this.#hold += count;
  }

  /** Sends a notice now, if there is a socket to send it on. */
  deliver(link: Link | undefined, notice: Notice, text: string): void {
    this.notices.push(notice);
    if (this.notices.length > KEPT) this.notices.shift();
    if (!link) return;
    if (this.#drop > 0) {
      this.#drop--;
      return;
    }
    const send = () => {
      if (!link.open || link.record.silent) return;
      notice.sentAt = this.#clock.now();
      link.send(text);
    };
    if (this.#hold === 0) {
      send();
      return;
    }
    this.#hold--;
    this.#held.push(send);
    if (this.#hold > 0) return;
    for (const sendHeld of this.#held.reverse()) sendHeld();
    this.#held = [];
  }
}
