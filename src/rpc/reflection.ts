import {
  create,
  createFileRegistry,
  type DescFile,
  type DescService,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import type { ConnectRouter, ServiceImpl } from "@connectrpc/connect";
import type { ServiceDefinition } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { readFiles } from "./reflection-files.ts";

type Package = ConstructorParameters<typeof ReflectionService>[0];
type Method = ServiceDefinition[string] & { requestType: { fileDescriptorProtos: Uint8Array[] } };
type Call = {
  on(event: string, listener: (request: object) => void): void;
  write(answer: object): void;
  end(): void;
};

/**
 * Adds server reflection (v1 and v1alpha) for services, from their generated descriptors: no schema file of ours is
 * read. `others` are the files of services that were not generated. The answers are
 * @grpc/reflection's, served like any handler of ours, so on either listener and inside the guards.
 */
export function addReflection(
  router: Pick<ConnectRouter, "service">,
  services: readonly DescService[],
  others: readonly FileDescriptorProto[] = [],
): void {
  const files = new Map<string, DescFile>();
  for (const service of services) collect(service.file, files);
  const all = [...[...files.values()].map((file) => file.proto), ...others];
  // Of a package definition the reflection service looks at nothing but these.
  const descriptors = {
    fileDescriptorProtos: all.map((file) => Buffer.from(toBinary(FileDescriptorProtoSchema, file))),
  };
  new ReflectionService({ descriptors } as unknown as Package).addToServer({
    addService(definition: ServiceDefinition, handlers: { ServerReflectionInfo(call: Call): void }) {
      const method = definition.ServerReflectionInfo as Method;
      const service = descriptorOf(method);
      const serverReflectionInfo = answering(service, method, handlers.ServerReflectionInfo);
      router.service(service, { serverReflectionInfo } as unknown as ServiceImpl<DescService>);
    },
  });
}

function collect(file: DescFile, into: Map<string, DescFile>): void {
  if (into.has(file.name)) return;
  into.set(file.name, file);
  for (const dependency of file.dependencies) collect(dependency, into);
}

/** The library's own schema, as Connect needs it. */
function descriptorOf({ path, requestType }: Method): DescService {
  const file = readFiles(requestType.fileDescriptorProtos);
  const name = path.split("/")[1]!;
  const service = createFileRegistry(create(FileDescriptorSetSchema, { file })).getService(name);
  if (!service) throw new Error(`Cannot serve "${name}": the library's files do not hold it`);
  return service;
}

/** A grpc-js handler that answers each request at once, as a Connect handler. */
function answering(service: DescService, method: Method, handler: (call: Call) => void) {
  const { input, output } = service.methods[0]!;
  return async function* (requests: AsyncIterable<Message>) {
    let ask: (request: object) => void = () => {};
    let answer: object = {};
    handler({
      on: (event, listener) => {
        if (event === "data") ask = listener;
      },
      write: (written) => {
        answer = written;
      },
      end: () => {},
    });
    for await (const request of requests) {
      ask(method.requestDeserialize(Buffer.from(toBinary(input, request))));
      yield fromBinary(output, method.responseSerialize(answer));
    }
  };
}
