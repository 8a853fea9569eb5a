// Only these characters: what a URL parser would silently drop, decode or turn around (tabs, "\", "%2e", user info)
// never reaches it.
const BARE_ORIGIN = /^https?:\/\/(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d{1,5})?\/?$/i;

/**
 * The origin that `text` is, in its one spelling (lower case, no default port), or undefined when it is anything but a
 * bare http or https origin; a single closing slash is allowed.
 */
export function parseOrigin(text: string): string | undefined {
  if (!BARE_ORIGIN.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text).origin;
}
