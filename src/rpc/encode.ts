import {
  create,
  type DescField,
  type DescMessage,
  type Message,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { fieldBytes, writeHead } from "./delimited.ts";

// What goes to many callers is serialised once: the message object itself is the key, so handlers stay typed. Messages
// given to preEncode are never changed afterwards.

const encoded = new WeakMap<object, Buffer>();

/** How deep a shared message may lie: BatchCheckResponse holds results, and each a CheckResponse. */
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
  const fields = message as unknown as Fields;
  for (const { field, alone } of innerMessages(desc)) {
    const held = innersOf(fields, field);
    const known = held.map((inner) => splice(field.message, inner, depth - 1));
    if (!known.some((part) => part)) continue;
    const parts = held.map((inner, index) => known[index] ?? toBinary(field.message, inner));
    return joined(alone ? NOTHING : toBinary(desc, without(fields, field)), field.number, parts);
  }
  return undefined;
}

const NOTHING = new Uint8Array();

/** What is encoded already, and behind it each of the parts as a field of this number. */
function joined(rest: Uint8Array, number: number, parts: readonly Uint8Array[]): Buffer {
  let length = rest.length;
  for (const part of parts) length += fieldBytes(number, part.length);
  const bytes = Buffer.allocUnsafe(length);
  bytes.set(rest);
  let at = rest.length;
  for (const part of parts) {
    at = writeHead(bytes, at, { number, length: part.length });
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

type InnerField = DescField & { readonly message: DescMessage };

interface Inner {
  readonly field: InnerField;
  /** Nothing else can be set beside it. */
  readonly alone: boolean;
}

const inners = new WeakMap<DescMessage, Inner[]>();

/** The fields that hold messages of ours, one or a list of them. */
function innerMessages(desc: DescMessage): Inner[] {
  let found = inners.get(desc);
  if (!found) {
    const ours = (field: DescField): field is InnerField =>
      (field.fieldKind === "message" || field.fieldKind === "list") &&
      field.message?.file.proto.package === desc.file.proto.package;
    const isAlone = (field: DescField) =>
      desc.fields.every((other) => other === field || (field.oneof !== undefined && other.oneof === field.oneof));
    found = desc.fields.filter(ours).map((field) => ({ field, alone: isAlone(field) }));
    inners.set(desc, found);
  }
  return found;
}

function innersOf(message: Fields, field: InnerField): readonly Message[] {
  if (field.fieldKind === "list") return message[field.localName] as Message[];
  const inner = innerOf(message, field);
  return inner ? [inner] : [];
}

function innerOf(message: Fields, field: DescField): Message | undefined {
  if (!field.oneof) return message[field.localName] as Message | undefined;
  const chosen = message[field.oneof.localName] as { case?: string; value?: Message };
  return chosen.case === field.localName ? chosen.value : undefined;
}

/** A copy without that field: the message itself may be shared. */
function without(message: Fields, field: DescField): Message {
  const nothing = field.fieldKind === "list" ? [] : undefined;
  const emptied = field.oneof ? { [field.oneof.localName]: { case: undefined } } : { [field.localName]: nothing };
  return { ...message, ...emptied } as unknown as Message;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
