import type { CallOptions } from "./call.ts";
import { Turn } from "./turn.ts";

/** The options of one more call in the same name, once the turn of the one before was served; see Turn.leadTo(). */
export function furtherCall(options: CallOptions): CallOptions {
  const turn = new Turn(options.turn.purpose);
  options.turn.leadTo(turn);
  return { ...options, turn };
}
