import { create, type DescMethod, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.ts";

/** grpc-js as one more transport of Connect's typed clients: one request, and one answer or a stream of them. */
export function grpcJsTransport(address: string): { transport: Transport; close: () => void } {
  const client = new Client(address, credentials.createInsecure());
  const transport: Transport = {
    unary(method, signal, timeoutMs, header, message) {
      return new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(
          pathOf(method),
          (request) => Buffer.from(toBinary(method.input, request)),
          (bytes) => fromBinary(method.output, bytes),
          create(method.input, message),
          metadataOf(header),
          deadlineOf(timeoutMs),
          (error, answer) => {
            if (error) reject(connectError(error));
            else resolve({ stream: false, service: method.parent, method, ...noHeaders(), message: answer! });
          },
        );
        signal?.addEventListener("abort", () => call.cancel(), { once: true });
      });
    },
    async stream(method, signal, timeoutMs, header, input) {
      const { value } = await input[Symbol.asyncIterator]().next();
      const call = client.makeServerStreamRequest(
        pathOf(method),
        (request) => Buffer.from(toBinary(method.input, request)),
        (bytes) => fromBinary(method.output, bytes),
        create(method.input, value),
        metadataOf(header),
        deadlineOf(timeoutMs),
      );
      signal?.addEventListener("abort", () => call.cancel(), { once: true });
      async function* answers() {
        try {
          for await (const answer of call) yield answer;
        } catch (error) {
          throw connectError(error as ServiceError);
        } finally {
          call.cancel();
        }
      }
      return { stream: true, service: method.parent, method, ...noHeaders(), message: answers() };
    },
  };
  return { transport, close: () => client.close() };
}

function pathOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function metadataOf(header: ConstructorParameters<typeof Headers>[0]): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of new Headers(header)) metadata.set(name, value);
  return metadata;
}

function deadlineOf(timeoutMs: number | undefined): { deadline?: number } {
  return timeoutMs ? { deadline: Date.now() + timeoutMs } : {};
}

function noHeaders(): { header: Headers; trailer: Headers } {
  return { header: new Headers(), trailer: new Headers() };
}

/** The status as grpc-js sees it, its details as Connect's clients have them. */
function connectError(error: ServiceError): ConnectError {
  const result = new ConnectError(error.details, error.code as number);
  const [status] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(status)) return result;
  result.details = fromBinary(StatusSchema, status).details.map(({ typeUrl, value }) => ({
    type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
    value,
  }));
  return result;
}
