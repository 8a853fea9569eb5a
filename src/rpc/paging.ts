const DEFAULT_SIZE = 50;
const MOST = 1000;
const FORM = /^after:([A-Za-z0-9][A-Za-z0-9_-]{0,63})$/;

/** How many items a page holds: 0 = 50, more than 1,000 is capped. */
export function pageSize(requested: number): number {
  return requested === 0 ? DEFAULT_SIZE : Math.min(requested, MOST);
}

/** A page of what was found, of one more than it holds if there is a next one, and the token of that. */
export function pageOf<Item extends { readonly id: string }>(
  found: readonly Item[],
  size: number,
): { page: readonly Item[]; nextPageToken: string } {
  const page = found.slice(0, size);
  const last = page.at(-1);
  return { page, nextPageToken: last && found.length > size ? pageToken(last.id) : "" };
}

/** The token of the page that begins after this id. */
export function pageToken(lastId: string): string {
  return Buffer.from(`after:${lastId}`).toString("base64url");
}

/** The id that a page begins after, "" for the first page; undefined when it is no token of ours. */
export function parsePageToken(token: string): string | undefined {
  if (token === "") return "";
  const [, id] = FORM.exec(Buffer.from(token, "base64url").toString()) ?? [];
  return id !== undefined && pageToken(id) === token ? id : undefined;
}

const CALL_FORM = /^calls:([1-9][0-9]{0,14})$/;

/** The token of the page of upstream calls that begins below this number. */
export function callToken(before: number): string {
  return Buffer.from(`calls:${before}`).toString("base64url");
}

/** The number that a page of upstream calls begins below; undefined for the first page, and for what is no such token. */
export function parseCallToken(token: string): number | undefined {
  const [, before] = CALL_FORM.exec(Buffer.from(token, "base64url").toString()) ?? [];
  return before !== undefined && callToken(Number(before)) === token ? Number(before) : undefined;
}
