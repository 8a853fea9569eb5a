import { randomUUID } from "node:crypto";
import type { Subscription } from "./filters.ts";
import type { Identity } from "./oauth.ts";

/** A place in a session's messages, as clients are told it. */
export interface Wsc {
  readonly token: string;
  readonly sequence: number;
}

/** A message that comes again after recovery. */
export interface Message {
  readonly sequence: number;
  readonly text: string;
}

/** PushSession is what outlives a socket: a subscription, and the last messages for who comes back. */
export class PushSession {
  readonly id: string = randomUUID();
  readonly identity: Identity;
  subscription: Subscription | undefined;
  /** When its socket went; undefined while there is one. Unix milliseconds. */
  leftAt: number | undefined;
  #sequence = 1;
  #buffer: Message[] = [];
  readonly #events = new Map<string, number>();

  constructor(identity: Identity) {
    this.identity = identity;
  }

  /** A new message, made by `write` of its place; the newest `size` are kept. */
  add(write: (wsc: Wsc) => string, size: number): Message {
    const sequence = ++this.#sequence;
    const message = { sequence, text: write(this.wsc(sequence)) };
    this.#buffer.push(message);
    this.#buffer.splice(0, this.#buffer.length - size);
    return message;
  }

  /** The place of a sequence number; of the newest message unless given. */
  wsc(sequence = this.#sequence): Wsc {
    return { token: Buffer.from(`${this.id} ${sequence}`).toString("base64url"), sequence };
  }

  /** What came after a place; undefined when some of it is not kept any more. */
  after(sequence: number): Message[] | undefined {
    const missed = this.#buffer.filter((message) => message.sequence > sequence);
    return missed.length === this.#sequence - sequence ? missed : undefined;
  }

  get buffer(): readonly Message[] {
    return this.#buffer;
  }

  /** Orders the events of an extension within the session. */
  nextSequence(extensionId: string): number {
    const next = (this.#events.get(extensionId) ?? 0) + 1;
    this.#events.set(extensionId, next);
    return next;
  }
}

/** The session id and the place that a token of a place names; undefined when it is none. */
export function parseWsc(token: string): { sessionId: string; sequence: number } | undefined {
  const [, sessionId, sequence] = /^(\S+) (\d+)$/.exec(Buffer.from(token, "base64url").toString()) ?? [];
  return sessionId === undefined ? undefined : { sessionId, sequence: Number(sequence) };
}
