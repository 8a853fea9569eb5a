import { fromBinary } from "@bufbuild/protobuf";
import { type DescriptorProto, type FileDescriptorProto, FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/**
 * Reads files as the proto loader serialises them, and makes them such as protoc writes. The loader names types relative
 * to where they are used, and the entries of a map after its field alone: clients other than its own refuse that.
 */
export function readFiles(serialised: readonly Uint8Array[]): FileDescriptorProto[] {
  const files = serialised.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  for (const file of files) for (const message of file.messageType) renameMapEntries(message);
  const known = new Set(files.flatMap((file) => namesIn(file.messageType, file.enumType, file.package)));
  for (const file of files) {
    for (const message of file.messageType) qualifyMessage(message, `${file.package}.${message.name}`, known);
    for (const method of file.service.flatMap((service) => service.method)) {
      method.inputType = qualified(method.inputType, file.package, known);
      method.outputType = qualified(method.outputType, file.package, known);
    }
  }
  return files;
}

function namesIn(messages: DescriptorProto[], enums: { name: string }[], scope: string): string[] {
  const nested = messages.flatMap(({ name, nestedType, enumType }) =>
    namesIn(nestedType, enumType, `${scope}.${name}`),
  );
  return [...[...messages, ...enums].map(({ name }) => `${scope}.${name}`), ...nested];
}

function qualifyMessage(message: DescriptorProto, scope: string, known: Set<string>): void {
  for (const field of message.field) if (field.typeName) field.typeName = qualified(field.typeName, scope, known);
  for (const nested of message.nestedType) qualifyMessage(nested, `${scope}.${nested.name}`, known);
}

function renameMapEntries(message: DescriptorProto): void {
  for (const entry of message.nestedType) {
    if (!entry.options?.mapEntry || entry.name.endsWith("Entry")) continue;
    const name = `${entry.name}Entry`;
    for (const field of message.field) if (field.typeName === entry.name) field.typeName = name;
    entry.name = name;
  }
  for (const nested of message.nestedType) renameMapEntries(nested);
}

/** The innermost type of that name, as seen from `scope`. */
function qualified(name: string, scope: string, known: Set<string>): string {
  if (name.startsWith(".")) return name;
  for (let at = scope; ; at = at.slice(0, at.lastIndexOf("."))) {
    if (known.has(`${at}.${name}`)) return `.${at}.${name}`;
    if (!at.includes(".")) return `.${name}`;
  }
}
