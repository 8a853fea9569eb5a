import { type DescFile, type DescService, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";

type Package = ConstructorParameters<typeof ReflectionService>[0];

/**
 * Adds server reflection (v1 and v1alpha) to the server, from the generated descriptors: no schema file is read.
 * `others` are serialised google.protobuf.FileDescriptorProto of services that were not generated.
 */
export function addReflection(server: Server, services: readonly DescService[], others: readonly Uint8Array[]): void {
  const files = new Map<string, DescFile>();
  for (const service of services) collect(service.file, files);
  const ours = [...files.values()].map((file) => toBinary(FileDescriptorProtoSchema, file.proto));
  // Of a package definition the reflection service looks at nothing but these.
  const descriptors = { fileDescriptorProtos: [...ours, ...others].map((bytes) => Buffer.from(bytes)) };
  new ReflectionService({ descriptors } as unknown as Package).addToServer(server);
}

function collect(file: DescFile, into: Map<string, DescFile>): void {
  if (into.has(file.name)) return;
  into.set(file.name, file);
  for (const dependency of file.dependencies) collect(dependency, into);
}
