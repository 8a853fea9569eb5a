import { readErrorBody } from "../calls/error-body.ts";
import type { PushFilter } from "./push-event.ts";
import { filterKey, filterPath, keyOfPath } from "./push-filters.ts";
import type { FrameAnswer } from "./push-frames.ts";
import { asCount, asObject, asText } from "./push-json.ts";

/** A filter that RingCentral does not serve, with its code, for example "SUB-403", and its words. */
export interface RefusedFilter {
  readonly filter: PushFilter;
  readonly reason: string;
  readonly message: string;
}

/** A subscription as it was confirmed. */
export interface Subscription {
  /** Keys of the filters that it serves. */
  readonly served: ReadonlySet<string>;
  readonly refused: readonly RefusedFilter[];
  /** How long it lasts unless renewed, in milliseconds; undefined when that is not told. */
  readonly expiresInMs: number | undefined;
}

/**
 * What was confirmed of the filters that were asked for; undefined when the answer does not tell. A filter that the
 * answer does not name has no coverage: it is refused like one that is named as disabled.
 */
export function readSubscription(asked: readonly PushFilter[], body: unknown): Subscription | undefined {
  const given = asObject(body);
  if (!given || !Array.isArray(given.eventFilters)) return undefined;
  const confirmed = new Set(given.eventFilters.map((path) => keyOfPath(asText(path) ?? "")));
  const disabled = new Map<string | undefined, { reason: string; message: string }>();
  for (const entry of Array.isArray(given.disabledFilters) ? given.disabledFilters : []) {
    const { filter, reason, message } = asObject(entry) ?? {};
    disabled.set(keyOfPath(asText(filter) ?? ""), {
      reason: asText(reason) ?? "DISABLED",
      message: asText(message) ?? "RingCentral gives no reason",
    });
  }
  const served = new Set<string>();
  const refused: RefusedFilter[] = [];
  for (const filter of asked) {
    const key = filterKey(filter);
    const why = disabled.get(key);
    if (why) refused.push({ filter, ...why });
    else if (confirmed.has(key)) served.add(key);
    else refused.push({ filter, reason: "NOT_CONFIRMED", message: "RingCentral's answer does not name it" });
  }
  return { served, refused, expiresInMs: expiryOf(given) };
}

/** By RingCentral's clock alone, which may differ from ours. */
function expiryOf(body: Readonly<Record<string, unknown>>): number | undefined {
  const seconds = asCount(body.expiresIn);
  if (seconds) return seconds * 1000;
  const lasts = Date.parse(asText(body.expirationTime) ?? "") - Date.parse(asText(body.creationTime) ?? "");
  return lasts > 0 ? lasts : undefined;
}

/** Trouble with a filter, not with the subscription: feature disabled, not allowed, other account, unknown, invalid. */
const FILTER_TROUBLE = new Set(["SUB-402", "SUB-403", "SUB-406", "SUB-408", "SUB-508"]);

/**
 * The filters for whose sake a whole subscription was refused, so that the others can be tried without them; none when
 * the answer does not tell which, or the trouble is another.
 */
export function guiltyFilters(
  asked: readonly PushFilter[],
  answer: FrameAnswer,
  hide: string,
): readonly RefusedFilter[] {
  const text = JSON.stringify(answer.body ?? null);
  const { codes, words } = readErrorBody(text, hide);
  const reason = codes.find((code) => FILTER_TROUBLE.has(code));
  if (reason === undefined) return [];
  const guilty = asked.length === 1 ? asked : asked.filter((filter) => names(text, filter));
  return guilty.map((filter) => ({ filter, reason, message: words ?? "RingCentral gives no reason" }));
}

/** With `~` or the real account, but to the end of the path: one id may begin another. */
function names(text: string, filter: PushFilter): boolean {
  const path = filterPath(filter);
  const tail = path.slice(path.indexOf(filter.accountId) + filter.accountId.length);
  return new RegExp(`/account/[^/"]+${tail}(?![\\w/])`).test(text);
}
