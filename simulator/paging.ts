import { invalidParameter } from "./errors.ts";
import type { Reply } from "./reply.ts";

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly navigation: Record<string, { uri: string }>;
  readonly paging: Record<string, number>;
}

export const PER_PAGE = 100;
const MOST_PER_PAGE = 1000;

/** The page that `query` asks for, with what stands beside it in the document; or the refusal. `uri` is the list's own. */
export function pageOf<Item>(
  all: readonly Item[],
  given: { query: URLSearchParams; uri: string; limitHeaders: Record<string, string> },
): Page<Item> | Reply {
  const { query, uri, limitHeaders } = given;
  for (const name of ["page", "perPage"]) {
    if (!/^[1-9]\d{0,8}$/.test(query.get(name) ?? "1")) return invalidParameter(name, limitHeaders);
  }
  const page = Number(query.get("page") ?? 1);
  const perPage = Math.min(Number(query.get("perPage") ?? PER_PAGE), MOST_PER_PAGE);
  const start = (page - 1) * perPage;
  const items = all.slice(start, start + perPage);
  const totalPages = Math.ceil(all.length / perPage);
  const link = (to: number) => {
    const search = new URLSearchParams(query);
    search.set("page", String(to));
    search.set("perPage", String(perPage));
    return { uri: `${uri}?${search}` };
  };
  return {
    items,
    navigation: {
      firstPage: link(1),
      ...(page < totalPages && { nextPage: link(page + 1) }),
      ...(page > 1 && { previousPage: link(page - 1) }),
      lastPage: link(Math.max(1, totalPages)),
    },
    paging: {
      page,
      totalPages,
      perPage,
      totalElements: all.length,
      // Positions from 0; left out where there is nothing.
      ...(items.length > 0 && { pageStart: start, pageEnd: start + items.length - 1 }),
    },
  };
}
