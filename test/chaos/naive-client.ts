import { Agent, request } from "undici";
import type { Simulator } from "../../simulator/server.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Asked } from "./queues.ts";

const TIMEOUT_MS = 10_000;

/** What a client without this service decides, and from when on it may be true, Unix milliseconds. */
export interface NaiveAnswer {
  readonly accepted: boolean;
  readonly observedAt: number;
}

type NaiveQuestion = Pick<Asked, "queueId" | "moreThan"> & { readonly kind: Pick<Asked["kind"], "pattern"> };

/**
 * NaiveClient is what is written in an afternoon: a token, one call per Check, a JavaScript regular expression on the text
 * as it comes, and false whenever anything fails.
 */
export class NaiveClient {
  readonly #simulator: Pick<Simulator, "origin" | "client">;
  readonly #clock: Clock;
  readonly #mended: boolean;
  readonly #agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  #token: Promise<string | undefined> | undefined;

  /** `mended`: its author has seen that RingCentral writes blanks before colons. */
  constructor(simulator: Pick<Simulator, "origin" | "client">, clock: Clock, { mended }: { mended: boolean }) {
    this.#simulator = simulator;
    this.#clock = clock;
    this.#mended = mended;
  }

  async check({ queueId, kind, moreThan }: NaiveQuestion): Promise<NaiveAnswer> {
    const timeUp = new AbortController();
    const cancel = this.#clock.after(TIMEOUT_MS, () => timeUp.abort());
    const asked = { at: this.#clock.now() };
    try {
      const text = await this.#read(queueId, timeUp.signal, asked);
      const pattern = this.#mended ? kind.pattern.replaceAll(": ", "\\s*:\\s*") : kind.pattern;
      const count = text?.match(new RegExp(pattern, "g"))?.length ?? 0;
      return { accepted: count > moreThan, observedAt: asked.at };
    } catch {
      return { accepted: false, observedAt: asked.at };
    } finally {
      cancel();
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  async #read(queueId: string, signal: AbortSignal, asked: { at: number }): Promise<string | undefined> {
    const path = `/restapi/v1.0/account/~/call-queues/${queueId}/presence`;
    for (let tries = 1; tries <= 2; tries++) {
      this.#token ??= this.#login();
      const held = this.#token;
      const token = await held;
      const forget = () => {
        if (this.#token === held) this.#token = undefined;
      };
      if (token === undefined) {
        forget();
        return undefined;
      }
      asked.at = this.#clock.now();
      const headers = { authorization: `Bearer ${token}` };
      const answer = await request(`${this.#simulator.origin}${path}`, { dispatcher: this.#agent, headers, signal });
      const text = await answer.body.text();
      if (answer.statusCode === 200) return text;
      if (answer.statusCode !== 401) return undefined;
      forget();
    }
    return undefined;
  }

  async #login(): Promise<string | undefined> {
    const { origin, client } = this.#simulator;
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: client.jwt };
    const basic = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString("base64");
    try {
      const answer = await request(`${origin}/restapi/oauth/token`, {
        dispatcher: this.#agent,
        method: "POST",
        headers: { authorization: `Basic ${basic}`, "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams(form).toString(),
      });
      const body = (await answer.body.json()) as { access_token?: string };
      return body.access_token;
    } catch {
      return undefined;
    }
  }
}
