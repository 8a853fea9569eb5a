import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import type { ServerDuplexStream, ServerReadableStream } from "@grpc/grpc-js";
import { type Listening, listen, type RequestListener, type Requests } from "./requests.ts";

type Incoming = ServerDuplexStream<unknown, unknown> | ServerReadableStream<unknown, unknown>;

/** Undecodable holds a request that is none, on its way from grpc-js, which would call it INTERNAL, to the guards. */
class Undecodable {}

export function decoderOf(schema: DescMessage): (bytes: Buffer) => unknown {
  return (bytes) => {
    try {
      return fromBinary(schema, bytes);
    } catch {
      return new Undecodable();
    }
  };
}

export function decoded(message: unknown): Message {
  if (!(message instanceof Undecodable)) return message as Message;
  throw new ConnectError("Cannot decode the request: it is not the message of this method", Code.InvalidArgument);
}

/** The one request of a call, for handlers and guards that take a stream. */
export async function* once(message: unknown): AsyncIterable<Message> {
  yield decoded(message);
}

/** The one message of a stream. */
export async function only<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new ConnectError("protocol error: missing message", Code.Unimplemented);
}

/** The requests of a stream, to be iterated or listened to. */
export function requestsOf(rpc: Incoming): Requests<Message> {
  return { [Symbol.asyncIterator]: () => iterated(rpc), [listen]: (listener) => listenTo(rpc, listener) };
}

async function* iterated(rpc: Incoming): AsyncGenerator<Message> {
  // Without the option, a handler that stops reading would end its answers too.
  const messages = (rpc as unknown as Iterating).iterator({ destroyOnReturn: false });
  for await (const message of messages) yield decoded(message);
}

type Iterating = { iterator(options: { destroyOnReturn: boolean }): AsyncIterable<unknown> };

function listenTo(rpc: Incoming, listener: RequestListener<Message>): Listening {
  const onData = (message: unknown) => {
    try {
      listener.came(decoded(message));
    } catch (error) {
      stop();
      listener.failed(error);
    }
  };
  const onEnd = () => {
    stop();
    listener.ended();
  };
  // A call that breaks off says "cancelled" as well, which ends the answers too.
  const onError = () => stop();
  function stop(): void {
    rpc.off("data", onData);
    rpc.off("end", onEnd);
    rpc.pause();
  }
  rpc.on("end", onEnd);
  rpc.on("error", onError);
  rpc.on("data", onData);
  return { pause: () => rpc.pause(), resume: () => rpc.resume(), leave: stop };
}
