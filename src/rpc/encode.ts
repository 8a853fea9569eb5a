import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

// What goes to many callers is serialised once: the message object itself is the key, so handlers stay typed. Messages
// given to preEncode are never changed afterwards.

const encoded = new WeakMap<object, Buffer>();

/** How deep a shared message may lie: CheckStreamResponse holds a CheckResponse, which holds the Availability. */
const DEEPEST = 2;

type Fields = Record<string, unknown>;

/** Serialises a message that will be sent many times, as a whole or inside others; returns the same message. */
export function preEncode<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): MessageShape<Desc> {
  encoded.set(message, asBuffer(toBinary(schema, message)));
  return message;
}

/**
 * The serialiser for a method's answers. What was given to preEncode is not serialised again, nor is it as the inner
 * message of an answer made for one caller: the small rest is, and the bytes are appended (Protobuf has no field order).
 * A Buffer is an answer that is serialised already.
 */
export function encoderOf<Desc extends DescMessage>(output: Desc): (answer: MessageInitShape<Desc> | Buffer) => Buffer {
  return (answer) => {
    if (Buffer.isBuffer(answer)) return answer;
    // A message stays the same object; handlers may also answer with what messages are made from.
    const message = create(output, answer);
    return splice(output, message, DEEPEST) ?? asBuffer(toBinary(output, message));
  };
}

/** A message's bytes; those of one that was given to preEncode are not made again. */
export function bytesOf<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Buffer {
  return encoded.get(message) ?? asBuffer(toBinary(schema, message));
}

/** Undefined when nothing in the message was given to preEncode. */
function splice(desc: DescMessage, message: Message, depth: number): Buffer | undefined {
  const whole = encoded.get(message);
  if (whole || depth === 0) return whole;
  for (const field of innerMessages(desc)) {
    const inner = innerOf(message, field);
    const part = inner && field.message ? splice(field.message, inner, depth - 1) : undefined;
    if (!part) continue;
    const rest = toBinary(desc, without(message as unknown as Fields, field));
    return asBuffer(new BinaryWriter().raw(rest).tag(field.number, WireType.LengthDelimited).bytes(part).finish());
  }
  return undefined;
}

const inners = new WeakMap<DescMessage, DescField[]>();

function innerMessages(desc: DescMessage): DescField[] {
  let found = inners.get(desc);
  if (!found) {
    const ours = (field: DescField) =>
      field.fieldKind === "message" && field.message.file.proto.package === desc.file.proto.package;
    found = desc.fields.filter(ours);
    inners.set(desc, found);
  }
  return found;
}

function innerOf(message: Fields, field: DescField): Message | undefined {
  if (!field.oneof) return message[field.localName] as Message | undefined;
  const chosen = message[field.oneof.localName] as { case?: string; value?: Message };
  return chosen.case === field.localName ? chosen.value : undefined;
}

/** A copy without that field: the message itself may be shared. */
function without(message: Fields, field: DescField): Message {
  const emptied = field.oneof ? { [field.oneof.localName]: { case: undefined } } : { [field.localName]: undefined };
  return { ...message, ...emptied } as unknown as Message;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
