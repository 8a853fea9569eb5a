import { isJsonObject } from "../../acceptance/json.ts";
import type { Clock } from "../../lib/clock.ts";
import { readRateLimit } from "../../upstream/rate-limit.ts";
import type { ApiFailure, ApiSuccess, CallApi, CallOptions } from "../calls/call.ts";
import { readErrorBody } from "../calls/error-body.ts";
import { failureOf } from "../calls/errors.ts";
import { presenceIn } from "../kept/presence-record.ts";
import { badAnswer } from "./bad-answer.ts";
import { type BulkEntry, bulkEntries } from "./multipart.ts";
import type { ExtensionRead } from "./tables.ts";

/** The most extensions that one call may name. */
export const MOST_EXTENSIONS = 30;
/** For so long an extension is not asked for again that RingCentral does not know or show. */
export const UNKNOWABLE_MS = 10 * 60_000;

/** What was read of several extensions. */
export interface ExtensionsRead {
  readonly ok: true;
  readonly rows: readonly ExtensionRead[];
  /** Unix milliseconds. */
  readonly sentAt: number;
  /** Why some of them could not be read; undefined when all were. */
  readonly unread: ApiFailure | undefined;
  /** Calls left of the group's limit, as the answer says. */
  readonly left: number | undefined;
}

export const READ_EXTENSIONS = "read extension presence";
const ROUTE = "/restapi/v1.0/account/{account}/extension/{extension}/presence";
// What the app lacks, it lacks for every extension; what the user lacks may be the leave of this one.
const APP_LACKS_PERMISSION = "CMN-401";
const USER_LACKS_PERMISSION = "CMN-408";
// Nothing to hide: what a server repeats of a token is concealed before it comes here.
const NOTHING = "\u0000";

/**
 * Reads the presence of 1 to 30 extensions in one call. Those that RingCentral does not know or show are rows too, of
 * which nothing can be known for a while. `units`: how many calls it counts as.
 */
export async function readExtensions(
  deps: { readonly call: CallApi; readonly clock: Pick<Clock, "now"> },
  which: {
    readonly accountId: string;
    readonly extensionIds: readonly string[];
    readonly units: number;
    /** The presence of another extension was shown before, so that the user may see presence; false unless given. */
    readonly sees?: boolean;
  },
  options: CallOptions,
): Promise<ExtensionsRead | ApiFailure> {
  const { accountId, extensionIds, units, sees = false } = which;
  const several = extensionIds.length > 1;
  const answer = await deps.call(
    {
      method: "GET",
      path: `/restapi/v1.0/account/${accountId}/extension/${extensionIds.join(",")}/presence`,
      route: ROUTE,
      group: "light",
      units,
      accept: several ? "application/vnd.ringcentral.multipart+json" : "application/json",
      action: READ_EXTENSIONS,
      expects: several ? [207] : [200],
    },
    options,
  );
  const now = deps.clock.now();
  if (!answer.ok) {
    const row = several ? undefined : unknowableBy(extensionIds[0]!, answer, { now, sees });
    return row ? { ok: true, rows: [row], sentAt: now, unread: undefined, left: undefined } : answer;
  }
  const { headers, bodyText } = answer;
  const entries = several
    ? bulkEntries(headers["content-type"] ?? "", bodyText)
    : one(extensionIds[0]!, answer.status, bodyText);
  if (!entries) return badAnswer(answer, READ_EXTENSIONS, "its answer is not understood");
  return collect(answer, entries, extensionIds, { now, sees: sees || entries.some(({ status }) => status === 200) });
}

function collect(
  answer: ApiSuccess,
  entries: readonly BulkEntry[],
  extensionIds: readonly string[],
  known: { readonly now: number; readonly sees: boolean },
): ExtensionsRead {
  const rows: ExtensionRead[] = [];
  const found = new Map(entries.map((entry) => [entry.resourceId, entry]));
  let unread: ApiFailure | undefined;
  for (const extensionId of extensionIds) {
    const entry = found.get(extensionId);
    const row = entry
      ? rowOf(answer, entry, known)
      : badAnswer(answer, READ_EXTENSIONS, "an extension is not in its answer");
    if ("ok" in row) unread ??= row;
    else rows.push(row);
  }
  return { ok: true, rows, sentAt: answer.sentAt, unread, left: readRateLimit(answer.headers)?.left };
}

function rowOf(
  answer: ApiSuccess,
  { resourceId, status, body }: BulkEntry,
  known: { readonly now: number; readonly sees: boolean },
): ExtensionRead | ApiFailure {
  const { now } = known;
  if (status === 200) {
    const presence = presenceIn(body);
    return presence
      ? { extensionId: resourceId, presence }
      : badAnswer(answer, READ_EXTENSIONS, "its answer is not understood");
  }
  const bodyText = JSON.stringify(body);
  const entry = { status, headers: answer.headers, bodyText };
  const failure = failureOf(entry, { action: READ_EXTENSIONS, hide: NOTHING, now });
  const failed = { ok: false, failure, until: now + (failure.retryAfterMs ?? 0), exchange: answer.exchange } as const;
  return (
    unknowableBy(resourceId, { ...failed, exchange: { ...answer.exchange, status, body: bodyText } }, known) ?? failed
  );
}

/** Nothing can be known of an extension that does not exist or must not be seen; undefined when the trouble is another. */
function unknowableBy(
  extensionId: string,
  { failure, exchange }: ApiFailure,
  { now, sees }: { readonly now: number; readonly sees: boolean },
): ExtensionRead | undefined {
  const until = now + UNKNOWABLE_MS;
  if (failure.reason === "UPSTREAM_NOT_FOUND") {
    return { extensionId, presence: { reason: "RingCentral knows no such extension", until } };
  }
  const { codes } = readErrorBody(exchange?.body ?? "", NOTHING);
  const lacks = codes.includes(APP_LACKS_PERMISSION) || (codes.includes(USER_LACKS_PERMISSION) && !sees);
  if (failure.reason !== "UPSTREAM_PERMISSION_DENIED" || lacks) return undefined;
  return { extensionId, presence: { reason: "RingCentral does not show the presence of this extension", until } };
}

function one(resourceId: string, status: number, bodyText: string): readonly BulkEntry[] | undefined {
  try {
    const body: unknown = JSON.parse(bodyText);
    return isJsonObject(body) ? [{ resourceId, status, body }] : undefined;
  } catch {
    return undefined;
  }
}
