import { randomUUID } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Clock } from "./clock.ts";
import { Delivery, type Notice } from "./delivery.ts";
import { eventFor } from "./events.ts";
import type { Faults } from "./faults.ts";
import { answerFrame, errorFrame, type FrameMeta, frame, notificationFrame } from "./frames.ts";
import { refuseHandshake } from "./handshake.ts";
import { type ConnectionRecord, Link } from "./link.ts";
import type { News } from "./news.ts";
import type { Identity } from "./oauth.ts";
import type { PushSession, Wsc } from "./push-session.ts";
import { PushSessions } from "./push-sessions.ts";
import type { RateLimits } from "./rate-limit.ts";
import type { RequestLog } from "./request-log.ts";
import { subscribe } from "./subscribe.ts";
import type { Switches } from "./switches.ts";
import type { World } from "./world.ts";
import { WsTokens } from "./ws-tokens.ts";

export interface GatewayDeps {
  readonly clock: Clock;
  readonly switches: Switches;
  readonly faults: Faults;
  readonly limits: RateLimits;
  readonly log: RequestLog;
  readonly world: World;
  readonly origin: () => string;
}

/** What a socket is opened with. */
export interface WsToken {
  readonly uri: string;
  readonly ws_access_token: string;
  readonly expires_in: number;
}

/** Gateway is the WebSocket side: tokens, sockets, the sessions that outlive them, and the news they are sent. */
export class Gateway {
  /** Every socket that was opened, oldest first. */
  readonly connections: ConnectionRecord[] = [];
  readonly #deps: GatewayDeps;
  // Pongs are sent by hand, so that a silent socket sends none.
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false });
  readonly #wsTokens: WsTokens;
  readonly #sessions: PushSessions;
  readonly #links = new Set<Link>();
  readonly #held = new Set<Duplex>();
  readonly #delivery: Delivery;
  readonly #endNews: () => void;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    this.#wsTokens = new WsTokens(deps);
    this.#sessions = new PushSessions(deps);
    this.#delivery = new Delivery(deps.clock);
    this.#endNews = deps.world.onNews((news) => this.#tell(news));
  }

  /** Sockets open now, the silent ones too. */
  get sockets(): number {
    return this.#links.size;
  }

  /** Sessions that could be recovered or are in use. */
  get sessions(): number {
    return this.#sessions.live.length;
  }

  /** What was sent or was to be sent, the newest 10,000. */
  get notices(): readonly Notice[] {
    return this.#delivery.notices;
  }

  /** A token that opens one socket. */
  issueToken(identity: Identity): WsToken {
    const { switches, origin } = this.#deps;
    const uri = `${origin().replace("http", "ws")}/ws`;
    return { uri, ws_access_token: this.#wsTokens.issue(identity), expires_in: switches.wsTokenTtl };
  }

  /** Serves a request to open a WebSocket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { clock, switches, faults, log } = this.#deps;
    const record = log.add(request, clock.now());
    record.on = "connect";
    this.#held.add(socket);
    socket.once("close", () => this.#held.delete(socket));
    const fault = faults.take("connect", undefined);
    record.fault = fault?.kind;
    const refused = refuseHandshake(socket, { url: request.url ?? "/", mode: switches.gateway, fault });
    if (refused) {
      record.status = refused.status;
      return;
    }
    const query = new URL(request.url ?? "/", "ws://gateway").searchParams;
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#held.delete(socket);
      record.status = 101;
      const link = new Link(webSocket, {
        clock,
        switches,
        onFrame: (from, meta, body) => this.#receive(from, meta, body),
        onClose: (from) => this.#leave(from),
      });
      this.#links.add(link);
      this.connections.push(link.record);
      const identity = this.#wsTokens.spend(query.get("access_token") ?? "");
      record.caller = identity?.caller;
      if (!identity) {
        link.refuse(401, "OAU-213", "Token not found");
        return;
      }
      link.record.caller = identity.caller;
      const begin = () => link.open && this.#begin(link, identity, query.get("wsc"));
      if (switches.detailsDelayMs > 0) clock.after(switches.detailsDelayMs, begin);
      else begin();
    });
  }

  /**
   * Cuts sockets, all unless one is named: with a close frame, without a word, or by saying nothing any more, pongs
   * included.
   */
  cut(how: "clean" | "abrupt" | "silent", options: { code?: number; connection?: ConnectionRecord } = {}): void {
    for (const link of this.#links) {
      if (options.connection && link.record !== options.connection) continue;
      if (how === "clean") link.close(options.code ?? 1001);
      else if (how === "abrupt") link.terminate();
      else link.silence();
    }
  }

  /** The next so many notices are lost on their way; they took their places all the same. */
  dropNext(count: number): void {
    this.#delivery.dropNext(count);
  }

  /** The next so many notices are held, and sent newest first when the last of them is there. */
  reorderNext(count: number): void {
    this.#delivery.reorderNext(count);
  }

  /** Nothing that is not connected now can be recovered. */
  forgetSessions(): void {
    this.#sessions.forget();
  }

  /** Sends any text to every open socket. */
  send(text: string): void {
    for (const link of this.#links) link.send(text);
  }

  close(): void {
    this.#endNews();
    for (const link of this.#links) link.terminate();
    for (const socket of this.#held) socket.destroy();
  }

  #begin(link: Link, identity: Identity, wsc: string | null): void {
    const { session, sequence, recovery, again } = this.#sessions.begin(identity, wsc);
    for (const other of this.#links) if (other.session === session) other.giveUp();
    link.record.recovery = recovery;
    link.record.filters = session.subscription?.eventFilters ?? [];
    link.greet(session, sequence);
    for (const text of again) link.send(text);
  }

  #leave(link: Link): void {
    this.#links.delete(link);
    if (link.session) link.session.leftAt = this.#deps.clock.now();
  }

  #receive(link: Link, meta: FrameMeta, body: unknown): void {
    if (meta.type === "Heartbeat") link.send(frame({ type: "Heartbeat", messageId: meta.messageId }));
    else if (meta.type === "ClientRequest" && link.session) this.#request(link, link.session, meta, body);
    else {
      link.record.violations.push(`sent a frame of type ${meta.type}`);
      link.send(errorFrame(400, "WSG-400", "Message type is not known"));
    }
  }

  #request(link: Link, session: PushSession, meta: FrameMeta, body: unknown): void {
    const { clock, faults, log } = this.#deps;
    const logged = { method: meta.method, url: meta.path, headers: {}, socket: link };
    const record = log.add(logged, clock.now());
    const fault = faults.take("subscribe", undefined);
    Object.assign(record, { on: "subscribe", caller: session.identity.caller, fault: fault?.kind });
    if (fault?.kind === "reset") {
      link.terminate();
      return;
    }
    const others = this.#sessions.othersOf(session);
    const request = { meta, body, identity: session.identity, others, fault };
    const { reply, subscription } = subscribe(request, { ...this.#deps, now: () => clock.now() });
    if (subscription) {
      session.subscription = subscription;
      link.record.filters = subscription.eventFilters;
    }
    record.status = reply.status;
    const send = () => link.send(answerFrame({ messageId: meta.messageId ?? randomUUID() }, reply));
    if (fault?.kind === "delay") clock.after(fault.ms, send);
    else if (fault?.kind !== "hang") send();
  }

  #tell(news: News): void {
    const { clock, switches } = this.#deps;
    for (const session of this.#sessions.live) {
      const { subscription } = session;
      if (!subscription) continue;
      const nextSequence = (extensionId: string) => session.nextSequence(extensionId);
      const event = eventFor(news, subscription, { accountId: this.#deps.world.accountId, switches, nextSequence });
      if (!event) continue;
      const deliver = () => this.#deliver(session, { ...event, changedAt: news.at }, subscription.id);
      if (switches.newsDelayMs > 0) clock.after(Math.max(0, news.at + switches.newsDelayMs - clock.now()), deliver);
      else deliver();
    }
  }

  #deliver(session: PushSession, event: Pick<Notice, "event" | "body" | "changedAt">, subscriptionId: string): void {
    const { ownerId } = session.identity;
    const write = (wsc: Wsc) => notificationFrame(event, { wsc, subscriptionId, ownerId });
    const { sequence, text } = session.add(write, this.#deps.switches.recoveryBufferSize);
    const link = [...this.#links].find((candidate) => candidate.session === session && candidate.open);
    this.#delivery.deliver(link, { ...event, sequence, sentAt: undefined }, text);
  }
}
