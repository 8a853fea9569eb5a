import { Agent } from "undici";
import { WebSocket } from "ws";
import type { Simulator } from "./server.ts";

/** A frame as a test looks at it. */
export interface Frame {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what came without naming its shape.
  readonly meta: any;
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly body: any;
}

/** What a program that uses RingCentral does, for tests of the simulator. */
export class TestClient {
  readonly #simulator: Simulator;
  readonly #agent = new Agent();
  readonly #sockets = new Set<TestSocket>();

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  /** A GET with the simulator's own token unless another, or none (null), is given. */
  get(path: string, options: { token?: string | null; accept?: string } = {}) {
    return this.#call({ method: "GET", path, ...options });
  }

  /** A POST of a form to the token endpoint or one beside it, as the simulator's app unless `client` says otherwise. */
  postForm(
    path: string,
    form: Record<string, string>,
    client: { clientId: string; clientSecret?: string } | null = this.#simulator.client,
  ) {
    const { clientId = "", clientSecret = "" } = client ?? {};
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    return this.#call({
      method: "POST",
      path: `/restapi/oauth/${path}`,
      authorization: client ? basic : null,
      body: new URLSearchParams(form).toString(),
      type: "application/x-www-form-urlencoded",
    });
  }

  /** A token by the simulator's JWT. */
  async login(form: Record<string, string> = {}) {
    const { jwt } = this.#simulator.client;
    const grant = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: jwt };
    return (await this.postForm("token", { ...grant, ...form })).json;
  }

  wsToken(token = this.#simulator.token) {
    return this.#call({ method: "POST", path: "/restapi/oauth/wstoken", token });
  }

  /** Opens a WebSocket with a new token; `wsc` names a place to go on from. */
  async open(options: { token?: string; wsc?: string; wsToken?: string } = {}): Promise<TestSocket> {
    const { json } = options.wsToken === undefined ? await this.wsToken(options.token) : { json: undefined };
    const query = new URLSearchParams({ access_token: options.wsToken ?? json.ws_access_token });
    if (options.wsc !== undefined) query.set("wsc", options.wsc);
    const socket = new TestSocket(`${this.#simulator.origin.replace("http", "ws")}/ws?${query}`);
    this.#sockets.add(socket);
    return socket;
  }

  /** Opens a WebSocket, waits for the first frame and subscribes; resolves with socket and answer. */
  async subscribe(filters: string[], options: { token?: string } = {}) {
    const socket = await this.open(options);
    const details = await socket.next();
    return { socket, details, answer: await socket.subscribe(filters) };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.end();
    await this.#agent.destroy();
  }

  async #call(given: {
    method: "GET" | "POST";
    path: string;
    token?: string | null;
    authorization?: string | null;
    accept?: string;
    body?: string;
    type?: string;
  }) {
    const { method, path, token = this.#simulator.token, accept, body, type } = given;
    const { authorization = token === null ? null : `Bearer ${token}` } = given;
    const answer = await this.#agent.request({
      origin: this.#simulator.origin,
      path,
      method,
      body: body ?? null,
      headers: {
        ...(authorization !== null && { authorization }),
        ...(accept !== undefined && { accept }),
        ...(type !== undefined && { "content-type": type }),
      },
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: parsed(text) };
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into what came without naming its shape.
function parsed(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A WebSocket as a client has it; every frame can be waited for, once. */
export class TestSocket {
  /** Resolves with the close code, or with the error's text when it never opened. */
  readonly closed: Promise<number | string>;
  readonly pings: number[] = [];
  readonly pongs: string[] = [];
  readonly socket: WebSocket;
  readonly #frames: Frame[] = [];
  readonly #waiting: ((frame: Frame) => void)[] = [];

  constructor(url: string) {
    this.socket = new WebSocket(url);
    this.socket.on("message", (data) => {
      const [meta, body] = JSON.parse((data as Buffer).toString());
      const waiter = this.#waiting.shift();
      if (waiter) waiter({ meta, body });
      else this.#frames.push({ meta, body });
    });
    this.socket.on("ping", () => this.pings.push(Date.now()));
    this.socket.on("pong", (data) => this.pongs.push(String(data)));
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code) => resolve(code));
      this.socket.on("error", (error) => resolve(error.message));
    });
  }

  /** The next frame that nobody has waited for yet. */
  next(): Promise<Frame> {
    const frame = this.#frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Frames that came and were not asked for. */
  get left(): number {
    return this.#frames.length;
  }

  send(meta: object, body?: unknown): void {
    this.socket.send(JSON.stringify(body === undefined ? [meta] : [meta, body]));
  }

  subscribe(eventFilters: unknown): Promise<Frame> {
    const meta = { type: "ClientRequest", messageId: "m1", method: "POST", path: "/restapi/v1.0/subscription" };
    this.send(meta, { eventFilters, deliveryMode: { transportType: "WebSocket" } });
    return this.next();
  }

  end(): void {
    this.socket.terminate();
  }
}
