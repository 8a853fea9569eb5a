import type { Interceptor, StreamRequest, StreamResponse, UnaryRequest, UnaryResponse } from "@connectrpc/connect";

export type Req = UnaryRequest | StreamRequest;
export type Res = UnaryResponse | StreamResponse;

/** Serves a call: at once where the answer is known at once, so that such a call costs no promise and no turn. */
export type Serve = (req: Req) => Res | Promise<Res>;

/** Guard is what stands around handlers, innermost the handler itself. */
export type Guard = (next: Serve) => Serve;

/** A guard as an interceptor: Connect waits for whatever comes, our gRPC port does not where it need not. */
export function asInterceptor(guard: Guard): Interceptor {
  return guard as unknown as Interceptor;
}

/** What `guards` make of a handler, the first being outermost. */
export function within(guards: readonly Interceptor[], handler: Serve): Serve {
  return guards.reduceRight<Serve>((next, guard) => (guard as unknown as Guard)(next), handler);
}

/** Does `then` with what `run` gives, or `failed` with what it throws: at once, or when it comes. */
export function settle<T, R>(
  run: () => T | Promise<T>,
  then: (value: T) => R,
  failed: (error: unknown) => R,
): R | Promise<R> {
  let value: T | Promise<T>;
  try {
    value = run();
  } catch (error) {
    return failed(error);
  }
  return value instanceof Promise ? value.then(then, failed) : then(value);
}

/** What a guard may change of a request or response. */
interface Parts {
  readonly message: unknown;
  /** Asked for when somebody wants it. */
  readonly signal?: () => AbortSignal;
}

/** How a listener's own requests and responses are made anew with other parts. */
export const remake = Symbol("make anew with other parts");

/**
 * The same request or response with other parts. What is not named stays what it is and is not looked at: on the gRPC port
 * headers, signal and the like are made when somebody asks for them.
 */
export function withParts<T extends Req | Res>(of: T & { [remake]?: (parts: Parts) => T }, parts: Parts): T {
  if (of[remake]) return of[remake](parts);
  const { message, signal } = parts;
  return { ...of, message, ...(signal && { signal: signal() }) };
}
