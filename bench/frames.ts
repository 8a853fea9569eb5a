// gRPC's framing by hand: each message behind a zero (not compressed) and its length in four bytes.

const HEAD = 5;

export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, HEAD);
  return frame;
}

/** Takes a stream apart into its messages: give it what came, get the messages that are whole. */
export function messageReader(): (chunk: Buffer) => Buffer[] {
  let held: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = held.length > 0 ? Buffer.concat([held, chunk]) : chunk;
    const messages: Buffer[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD) {
      const end = at + HEAD + bytes.readUInt32BE(at + 1);
      if (end > bytes.length) break;
      messages.push(bytes.subarray(at + HEAD, end));
      at = end;
    }
    held = bytes.subarray(at);
    return messages;
  };
}
