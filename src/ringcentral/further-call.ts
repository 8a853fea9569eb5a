import type { CallOptions } from "./call.ts";
import { Turn } from "./turn.ts";

/** The options of one more call in the same name, once the turn of the one before was served: what raises that raises it. */
export function furtherCall(options: CallOptions): CallOptions {
  const turn = new Turn(options.turn.purpose);
  if (options.turn.forCheck) turn.raise();
  options.turn.onRaise = () => turn.raise();
  return { ...options, turn };
}
