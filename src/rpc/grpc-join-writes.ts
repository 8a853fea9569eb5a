import { ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";

/**
 * Lets the answers of a bidirectional stream that are written in one turn leave in one piece: grpc-js waits for each
 * write before it makes the next, so writes are acknowledged early, up to `limit` under way. Three to four times the
 * throughput. Not for other streams: what is acknowledged early queues up behind a slow reader, and a Watch must send
 * such a reader the newest state instead.
 */
export function joinWrites(limit: number): ServerInterceptor {
  return (method, call) =>
    method.requestStream && method.responseStream
      ? new JoinedCall(call, limit)
      : (call as unknown as ServerInterceptingCall);
}

class JoinedCall extends ServerInterceptingCall {
  readonly #limit: number;
  #underWay = 0;
  #held: (() => void)[] = [];

  constructor(call: ConstructorParameters<typeof ServerInterceptingCall>[0], limit: number) {
    super(call);
    this.#limit = limit;
  }

  override sendMessage(message: unknown, callback: () => void): void {
    this.#underWay++;
    super.sendMessage(message, () => {
      if (--this.#underWay < this.#limit / 2) for (const go of this.#held.splice(0)) go();
    });
    if (this.#underWay < this.#limit) callback();
    else this.#held.push(callback);
  }
}
