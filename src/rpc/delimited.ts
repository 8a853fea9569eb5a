// A field of the wire type LEN, which holds bytes: its tag, their length, and they themselves. Written by hand where a
// message is put together of others that are encoded already, a hundred thousand times a second.

const LENGTH_DELIMITED = 2;
const MORE = 0x80;

/** How many bytes a field with so long a content takes. */
export function fieldBytes(number: number, length: number): number {
  return varintBytes((number << 3) | LENGTH_DELIMITED) + varintBytes(length) + length;
}

/** Writes what is before a field's content at a place; returns the place behind it. */
export function writeHead(
  into: Uint8Array,
  at: number,
  { number, length }: { number: number; length: number },
): number {
  return writeVarint(into, writeVarint(into, at, (number << 3) | LENGTH_DELIMITED), length);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

function writeVarint(into: Uint8Array, at: number, value: number): number {
  let place = at;
  let rest = value;
  for (; rest >= MORE; rest >>>= 7) into[place++] = (rest & (MORE - 1)) | MORE;
  into[place++] = rest;
  return place;
}
