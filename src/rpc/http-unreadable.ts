import { createContextKey, createContextValues, type Interceptor } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";

const wasRead = createContextKey(false, { description: "whether the request could be read" });

/** Outermost of all guards: what fails before it does so while the request is read. */
export const noteRead: Interceptor = (next) => (req) => {
  req.contextValues.set(wasRead, true);
  return next(req);
};

/** For `universalRequestFromNodeRequest`, so that the note can be found again. */
export const contextForNote = createContextValues;

const UNREADABLE = {
  code: "invalid_argument",
  message: "Cannot decode the request: it is not the message of this method",
};

/** Connect answers 500 when it cannot decode a unary request; that is the caller's doing, and no fault of this server. */
export function blameCaller(request: UniversalServerRequest, answer: UniversalServerResponse): UniversalServerResponse {
  if (answer.status !== 500 || request.contextValues?.get(wasRead)) return answer;
  const body = new TextEncoder().encode(JSON.stringify(UNREADABLE));
  const header = new Headers({ "content-type": "application/json", "content-length": `${body.byteLength}` });
  return { ...answer, status: 400, header, body: once(body) };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
