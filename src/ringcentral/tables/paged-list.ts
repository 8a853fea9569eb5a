import { isJsonObject, type JsonObject } from "../../acceptance/json.ts";
import type { ApiCall, ApiFailure, ApiSuccess, CallApi, CallOptions } from "../calls/call.ts";
import { furtherCall } from "../calls/further-call.ts";
import { badAnswer } from "./bad-answer.ts";

/** A list, its pages put together. */
export interface PagedList<Item> {
  readonly ok: true;
  readonly items: readonly Item[];
  /** Unix milliseconds at which its first page was asked for. */
  readonly sentAt: number;
}

/** Records asked for at once; servers give fewer if they like. */
export const PER_PAGE = 1_000;
/** A server that never ends its list is not believed. */
const MOST_PAGES = 100;

/**
 * Reads a list to its end. `parse` gives undefined for a record that is not what it should be: then the whole list is a
 * failure, as is one that ends before it holds what it says it does.
 */
export async function readPagedList<Item>(
  call: CallApi,
  list: Omit<ApiCall, "method"> & {
    readonly parse: (record: JsonObject) => Item | undefined;
    /** Told of each page as it comes, whatever becomes of the rest. */
    readonly onPage?: ((items: readonly Item[], sentAt: number) => void) | undefined;
  },
  options: CallOptions,
): Promise<PagedList<Item> | ApiFailure> {
  const { parse, onPage, ...request } = list;
  const items: Item[] = [];
  let sentAt: number | undefined;
  let own = options;
  for (let page = 1, pages = 1; ; pages++) {
    const join = request.path.includes("?") ? "&" : "?";
    const path = `${request.path}${join}page=${page}&perPage=${PER_PAGE}`;
    const answer = await call({ ...request, path, method: "GET" }, own);
    if (!answer.ok) return answer;
    const read = readPage(answer, parse);
    if (typeof read === "string") return badAnswer(answer, request.action, read);
    items.push(...read.items);
    sentAt ??= answer.sentAt;
    onPage?.(read.items, answer.sentAt);
    const { next, total = 0 } = read;
    if (next === undefined) {
      return total > items.length
        ? badAnswer(answer, request.action, "its answers hold fewer records than they say there are")
        : { ok: true, items, sentAt };
    }
    if (next <= page || pages >= MOST_PAGES) {
      return badAnswer(answer, request.action, "the list of its answers has no end");
    }
    page = next;
    own = furtherCall(own);
  }
}

/** The records of an answer that is one page of a list, or what is wrong with it. */
export function readPage<Item>(
  { bodyText }: Pick<ApiSuccess, "bodyText">,
  parse: (record: JsonObject) => Item | undefined,
): { items: readonly Item[]; next: number | undefined; total: number | undefined } | string {
  let json: unknown;
  try {
    json = JSON.parse(bodyText);
  } catch {
    return "its answer is not JSON";
  }
  if (!isJsonObject(json) || !Array.isArray(json.records)) return "its answer has no list of records";
  const items: Item[] = [];
  for (const [index, record] of json.records.entries()) {
    const item = isJsonObject(record) ? parse(record) : undefined;
    if (item === undefined) return `its answer is not understood at "records[${index}]"`;
    items.push(item);
  }
  const paging = isJsonObject(json.paging) ? json.paging : {};
  const navigation = isJsonObject(json.navigation) ? json.navigation : {};
  const page = whole(paging.page) ?? 1;
  const more = (whole(paging.totalPages) ?? 0) > page || isJsonObject(navigation.nextPage);
  const total = whole(paging.totalElements);
  return { items, next: more ? (pageIn(navigation.nextPage) ?? page + 1) : undefined, total };
}

function pageIn(link: JsonObject[string] | undefined): number | undefined {
  if (!isJsonObject(link) || typeof link.uri !== "string") return undefined;
  const page = /[?&]page=(\d{1,9})(?:&|$)/.exec(link.uri)?.[1];
  return page === undefined ? undefined : Number(page);
}

function whole(value: JsonObject[string] | undefined): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}
