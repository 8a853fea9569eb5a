import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Override as OverrideMessage, OverrideSchema } from "../../gen/availability/v1/destination_pb.ts";

/** Override is an answer that a person set for a while; times in Unix milliseconds. */
export interface Override {
  readonly accepted: boolean;
  /** From then on it is none. */
  readonly expiresAt: number;
  readonly note: string;
  /** Empty when callers are not authenticated. */
  readonly setBy: string;
  readonly setAt: number;
}

// Written with every record; a record of a newer format is refused rather than misread.
const FORMAT = 1;

export function encodeOverride({ accepted, expiresAt, note, setBy, setAt }: Override): Uint8Array {
  return Buffer.from(JSON.stringify({ format: FORMAT, accepted, expiresAt, note, setBy, setAt }));
}

/** Reads what encodeOverride() wrote. */
export function decodeOverride(bytes: Uint8Array): Override | { unreadable: string } {
  let json: Record<string, unknown>;
  try {
    json = Object(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : String(error) };
  }
  const { format, accepted, expiresAt, note, setBy, setAt } = json;
  if (format !== FORMAT) return { unreadable: `its format is ${String(format)}, expected ${FORMAT}` };
  const timed = typeof expiresAt === "number" && typeof setAt === "number";
  if (!timed || typeof accepted !== "boolean" || typeof note !== "string" || typeof setBy !== "string") {
    return { unreadable: "it is not whole" };
  }
  return { accepted, expiresAt, note, setBy, setAt };
}

/** The message as it is read back in a destination. */
export function overrideMessage({ accepted, expiresAt, note, setBy, setAt }: Override): OverrideMessage {
  return create(OverrideSchema, {
    accepted,
    expiresAt: timestampFromMs(Math.floor(expiresAt)),
    note,
    setBy,
    setAt: timestampFromMs(Math.floor(setAt)),
  });
}
