/** TextSpan is a part of a text, in UTF-8 byte offsets: its first byte, and the byte after its last. */
export interface TextSpan {
  readonly start: number;
  readonly end: number;
}

/** The text itself, or as much of its beginning as fits into `most` UTF-8 bytes and ends between two characters. */
export function cutText(text: string, most: number): string {
  // No character takes more than three bytes for each of its UTF-16 units.
  if (text.length * 3 <= most) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let end = most;
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString("utf8", 0, end);
}

/** The same spans in UTF-8 bytes, given in UTF-16 units in rising order; those that reach beyond the text are dropped. */
export function inBytes(text: string, spans: readonly (readonly [start: number, end: number])[]): readonly TextSpan[] {
  let unit = 0;
  let byte = 0;
  const byteAt = (position: number): number => {
    byte += Buffer.byteLength(text.slice(unit, position));
    unit = position;
    return byte;
  };
  return spans
    .filter(([, end]) => end <= text.length)
    .map(([start, end]) => ({ start: byteAt(start), end: byteAt(end) }));
}
