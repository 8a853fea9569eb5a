import { toBinary } from "@bufbuild/protobuf";
import { CheckRequestSchema, CheckStreamRequestSchema } from "../../gen/availability/v1/availability_service_pb.ts";
import { framed } from "../frames.ts";

// Far more than are ever under way, so that an id is free when it comes again.
const REQUESTS = 1 << 16;

/**
 * Framed CheckStreamRequests without end, their request ids and destinations in turn, made beforehand: `take(n)` gives the
 * next n as few pieces of bytes.
 */
export function checkStreamRequests(destinationIds: readonly string[]): (count: number) => Buffer[] {
  const frames = Array.from({ length: REQUESTS }, (_, index) => {
    const destinationId = destinationIds[index % destinationIds.length]!;
    const check = { $typeName: CheckRequestSchema.typeName, destinationId, tags: {}, explain: false };
    const $typeName = CheckStreamRequestSchema.typeName;
    return framed(toBinary(CheckStreamRequestSchema, { $typeName, requestId: `request-${index}`, check }));
  });
  const all = Buffer.concat(frames);
  const ends = [0];
  for (const frame of frames) ends.push(ends.at(-1)! + frame.length);
  let next = 0;
  return (count) => {
    const pieces: Buffer[] = [];
    for (let left = count; left > 0; ) {
      const some = Math.min(left, REQUESTS - next);
      pieces.push(all.subarray(ends[next], ends[next + some]));
      next = (next + some) % REQUESTS;
      left -= some;
    }
    return pieces;
  };
}
