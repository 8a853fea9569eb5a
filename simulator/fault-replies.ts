import * as errors from "./errors.ts";
import type { FaultKind } from "./faults.ts";
import { oauthError } from "./oauth-errors.ts";
import type { QueuePresence } from "./presence.ts";
import { edgeReply, platformReply, type Reply } from "./reply.ts";

/** What a fault answers with, given the ordinary reply; faults of the connection leave that as it is. */
export function faultReply(fault: FaultKind, ordinary: Reply, limitHeaders: Record<string, string>): Reply {
  switch (fault.kind) {
    case "unauthorized":
      return errors.unknownToken();
    case "forbidden": {
      const permission = fault.permission ?? "ReadPresence";
      return fault.of === "user"
        ? errors.userPermission(permission, limitHeaders)
        : errors.appPermission(permission, limitHeaders);
    }
    case "not-found":
      return errors.noResource("groupId", limitHeaders, fault.status);
    case "rate-limited": {
      const { retryAfter = 60 } = fault;
      const after = retryAfter === null ? {} : { "Retry-After": String(retryAfter) };
      return errors.rateExceeded({ ...limitHeaders, "X-Rate-Limit-Remaining": "0", ...after });
    }
    case "rate-limited-at-edge":
      return errors.rateExceededAtEdge();
    case "internal-error":
      return errors.internalError(limitHeaders);
    case "maintenance":
      return errors.maintenance(fault.retryAfter ?? 30, limitHeaders);
    case "proxy-error":
      return errors.proxyError(fault.status ?? 502);
    case "huge-body":
      return { ...ordinary, body: ordinary.body.padEnd(fault.bytes) };
    case "not-json":
      return { ...ordinary, body: `${ordinary.body.slice(0, -1)},,` };
    case "html":
      return edgeReply(200, "<!DOCTYPE html><html><body>Scheduled work tonight</body></html>");
    case "no-records":
      return platformReply(200, {}, { headers: limitHeaders });
    case "redirect":
      return { status: fault.status ?? 302, headers: { Server: "nginx", Location: fault.location }, body: "" };
    case "oauth-error":
      return oauthError(fault, limitHeaders);
    case "answer":
      return { status: fault.status, headers: fault.headers ?? {}, body: fault.body ?? "" };
    default:
      return ordinary;
  }
}

/** Takes a flag out of the first `records` records; the platform leaves it out for accounts without queue presence. */
export function withoutFlag(presence: QueuePresence, flag: string, records = Number.POSITIVE_INFINITY): QueuePresence {
  const strip = (record: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(record).filter(([key]) => key !== flag));
  return { ...presence, records: presence.records.map((record, index) => (index < records ? strip(record) : record)) };
}
