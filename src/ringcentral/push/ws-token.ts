import { Secret } from "../../lib/secret.ts";
import type { CallApi } from "../calls/call.ts";
import { Turn } from "../calls/turn.ts";
import type { WsTokenOutcome } from "./push-dialer.ts";

const PATH = "/restapi/oauth/wstoken";
const ACTION = "get a token for push";
// The budget has its own deadline for everybody who asks: the whole group is five calls a minute.
const PATIENCE_MS = 60_000;

/** Asks for the single-use token of a WebSocket. https://developers.ringcentral.com/guide/notifications/websockets */
export async function askWsToken(call: CallApi, timeUp: AbortSignal, now: () => number): Promise<WsTokenOutcome> {
  const deadline = now() + PATIENCE_MS;
  // Where it is denied, that concerns push alone.
  const answer = await call(
    { method: "POST", path: PATH, route: PATH, group: "auth", action: ACTION, secretAnswer: true },
    { timeUp, deadline: () => deadline, turn: new Turn("watched"), backsOff: false },
  );
  if (!answer.ok) return answer;
  const { uri, ws_access_token: token } = parsed(answer.secretBody?.reveal() ?? "");
  if (typeof uri !== "string" || typeof token !== "string" || token === "") {
    const message = `Cannot ${ACTION}: RingCentral's answer is not understood`;
    return { ok: false, failure: { reason: "UPSTREAM_BAD_RESPONSE", scope: "question", message }, until: now() };
  }
  return { ok: true, uri, token: new Secret(token) };
}

/** How long it lives is not asked: it is used at once. */
function parsed(text: string): { uri?: unknown; ws_access_token?: unknown } {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
