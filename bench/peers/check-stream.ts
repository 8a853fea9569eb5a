// How peers answer a CheckStreamRequest without decoding it.

const REQUEST_ID = 0x0a;
const RESPONSE = 0x12;

/** Makes a CheckStreamResponse for each CheckStreamRequest: its request_id, copied, and always the same CheckResponse. */
export function streamAnswers(response: Buffer): (request: Buffer) => Buffer {
  const outcome = Buffer.concat([Buffer.from([RESPONSE, ...varint(response.length)]), response]);
  return (request) => {
    if (request[0] !== REQUEST_ID)
      throw new Error("Cannot answer a request on a stream: it does not begin with its id");
    return Buffer.concat([request.subarray(0, 2 + request[1]!), outcome]);
  };
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
