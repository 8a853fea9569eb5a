import { randomUUID } from "node:crypto";
import type { Clock } from "../../lib/clock.ts";
import type { OpenSocket, Socket, SocketListener } from "../../upstream/socket.ts";
import { readEvent } from "./push-body.ts";
import type { PushEvent, PushFilter } from "./push-event.ts";
import {
  answerFailure,
  type LostReason,
  notUnderstood,
  type SessionEnd,
  socketFailure,
  timedOut,
  unavailable,
} from "./push-failure.ts";
import { type ConnectionDetails, type Frame, parseFrame, printHeartbeat, type SessionToken } from "./push-frames.ts";
import { Liveness } from "./push-liveness.ts";
import { FrameOrder, type Numbering } from "./push-numbering.ts";
import { FieldOrder } from "./push-order.ts";
import { SubscribeRequest } from "./push-request.ts";
import type { Subscription } from "./push-subscription.ts";
import { type SessionTarget, socketUrl } from "./push-url.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECT = "connect to push";
const LISTEN = "listen to push";

/** What a session tells; after onEnd nothing more. */
export interface SessionListener {
  /** RingCentral is ready; a resumed session replays, any other has to subscribe. */
  onDetails(details: ConnectionDetails): void;
  onSubscribed(subscription: Subscription): void;
  onEvent(event: PushEvent): void;
  /** News could not be read: about the filter with this key, or about it is not known what. */
  onUnreadable(about: string | undefined): void;
  /** All that RingCentral sent before `at` has come. */
  onProof(at: number): void;
  /** It ended, and not by close(). */
  onEnd(end: SessionEnd): void;
}

export interface SessionDeps {
  readonly clock: Clock;
  readonly openSocket: OpenSocket;
  /** Time between pings in milliseconds, asked anew for each. */
  readonly pingIntervalMs: () => number;
  /** Of all sessions of the connection. */
  readonly numbering: Numbering;
}

/** PushSession is one socket, from its opening to its end: who may send what when, and what the frames mean. */
export class PushSession {
  readonly #deps: SessionDeps;
  readonly #listener: SessionListener;
  readonly #hide: string;
  readonly #order: FieldOrder;
  readonly #frames: FrameOrder;
  readonly #request: SubscribeRequest;
  readonly #heartbeats = new Set<string>();
  readonly #openedAt: number;
  #phase: "connecting" | "connected" | "ended" = "connecting";
  #socket: Socket | undefined;
  #liveness: Liveness | undefined;
  #cancelTimeout: () => void;
  #wsc: SessionToken | undefined;
  #details: ConnectionDetails | undefined;
  #notifications = 0;
  #frameAt: number;

  /** The listener hears nothing before the constructor returned. */
  constructor(deps: SessionDeps, target: SessionTarget, listener: SessionListener) {
    const { clock } = deps;
    this.#deps = deps;
    this.#listener = listener;
    this.#order = new FieldOrder(clock);
    this.#frames = new FrameOrder({
      clock,
      numbering: deps.numbering,
      take: (frame) => this.#take(frame),
      onMissing: () => this.#end("gap", unavailable(LISTEN, "news between two that came are missing")),
    });
    this.#hide = target.token.reveal();
    this.#openedAt = clock.now();
    this.#frameAt = this.#openedAt;
    this.#request = new SubscribeRequest({
      clock,
      hide: this.#hide,
      send: (text) => this.#send(text),
      onSubscribed: (subscription) => listener.onSubscribed(subscription),
      onFailed: (failure) => this.#end("not_subscribed", failure),
    });
    const url = socketUrl(target);
    this.#cancelTimeout = clock.after(url === undefined ? 0 : CONNECT_TIMEOUT_MS, () => {
      const noUrl = () => notUnderstood(CONNECT, "RingCentral names no address of a WebSocket");
      const late = () => timedOut(CONNECT, "RingCentral was not ready in time");
      this.#end("not_opened", url === undefined ? noUrl() : late());
    });
    if (url !== undefined) this.#socket = deps.openSocket(url, this.#socketListener());
  }

  /** The newest token to resume it by. */
  get wsc(): SessionToken | undefined {
    return this.#wsc;
  }

  get details(): ConnectionDetails | undefined {
    return this.#details;
  }

  /** Notifications that came so far, of whatever kind. */
  get notifications(): number {
    return this.#notifications;
  }

  get openedAt(): number {
    return this.#openedAt;
  }

  /** When a text frame last came or went: RingCentral may count idleness from there. */
  get frameAt(): number {
    return this.#frameAt;
  }

  /** When the subscription was last asked for. */
  get askedAt(): number {
    return this.#request.askedAt;
  }

  /** Asks for a subscription; onSubscribed or onEnd follows. */
  subscribe(filters: readonly PushFilter[]): void {
    if (this.#phase === "connected") this.#request.ask(filters);
  }

  /** What came so far orders nothing of what comes. */
  forgetOrder(): void {
    this.#order.forget();
  }

  /** Pings at `at` rather than with the interval: somebody waits for the proof. */
  probeFrom(at: number): void {
    this.#liveness?.probeFrom(at);
  }

  /** Ends it without a word to the listener. */
  close(): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.#cancelTimeout();
    this.#request.stop();
    this.#frames.stop();
    this.#liveness?.stop();
    this.#socket?.close();
  }

  #socketListener(): SocketListener {
    return {
      onOpen: () => {},
      onMessage: (text) => this.#receive(text),
      onSign: (kind) => {
        if (kind === "pong") this.#liveness?.pong();
        else this.#liveness?.heard();
      },
      onClose: (why) => {
        // A socket that fails while it is made must not speak to somebody who does not have the session yet.
        if (this.#socket === undefined) this.#deps.clock.after(0, () => this.#closed(why));
        else this.#closed(why);
      },
    };
  }

  #closed(why: Parameters<SocketListener["onClose"]>[0]): void {
    const opened = this.#phase === "connected";
    const context = { action: opened ? LISTEN : CONNECT, hide: this.#hide, now: this.#deps.clock.now() };
    this.#end(opened ? "closed" : "not_opened", socketFailure(why, context));
  }

  #end(reason: LostReason, failure: SessionEnd["failure"]): void {
    if (this.#phase === "ended") return;
    this.close();
    this.#listener.onEnd({ reason, failure });
  }

  #send(text: string): void {
    this.#frameAt = this.#deps.clock.now();
    this.#socket?.send(text);
  }

  #receive(text: string): void {
    if (this.#phase === "ended") return;
    this.#frameAt = this.#deps.clock.now();
    this.#liveness?.heard();
    const frame = parseFrame(text);
    const begins = this.#phase === "connecting";
    if (frame.kind === "error") {
      const context = { action: begins ? CONNECT : LISTEN, hide: this.#hide, now: this.#frameAt };
      this.#end(begins ? "refused" : "error_frame", answerFailure(frame.answer, context));
    } else if (begins) this.#begin(frame);
    else this.#frames.receive(frame);
  }

  #begin(frame: Frame): void {
    if (frame.kind !== "details") {
      this.#end("refused", notUnderstood(CONNECT, "its first frame is no ConnectionDetails"));
      return;
    }
    this.#cancelTimeout();
    this.#phase = "connected";
    this.#wsc = frame.wsc;
    this.#frames.begin(frame.wsc?.sequence);
    this.#details = frame.details;
    this.#liveness = new Liveness({
      clock: this.#deps.clock,
      pingIntervalMs: this.#deps.pingIntervalMs,
      ping: () => this.#socket?.ping(),
      heartbeat: () => {
        const messageId = randomUUID();
        this.#heartbeats.add(messageId);
        this.#send(printHeartbeat(messageId));
      },
      onProof: (at) => {
        // What is missing may be older.
        if (!this.#frames.waiting) this.#listener.onProof(at);
      },
      onSilence: () => this.#end("silent", timedOut(LISTEN, "neither news nor an answer to pings came for too long")),
    });
    this.#listener.onDetails(frame.details);
  }

  #take(frame: Frame): void {
    if (this.#phase === "ended") return;
    if (frame.wsc && frame.wsc.sequence >= (this.#wsc?.sequence ?? 0)) this.#wsc = frame.wsc;
    if (frame.kind === "answer") this.#request.answered(frame.messageId, frame.answer);
    else if (frame.kind === "notification") this.#notified(frame.event, frame.body);
    else if (frame.kind === "malformed") this.#listener.onUnreadable(undefined);
    else if (frame.kind === "heartbeat") {
      if (this.#heartbeats.delete(frame.messageId)) this.#liveness?.heartbeatRepeated();
      else this.#send(printHeartbeat(frame.messageId));
    }
  }

  #notified(path: string, body: unknown): void {
    this.#notifications++;
    const read = readEvent(path, body);
    if (read.kind === "unreadable") this.#listener.onUnreadable(read.about);
    if (read.kind !== "event") return;
    const event = this.#order.admit(read.event);
    if (event) this.#listener.onEvent(event);
  }
}
