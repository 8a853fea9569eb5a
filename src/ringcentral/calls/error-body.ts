/** What RingCentral says of an error, as far as its body can be read; any body will do. */
export interface ErrorBody {
  /** Codes, the most telling first, for example "CMN-102". */
  readonly codes: readonly string[];
  /** RingCentral's own words, cleaned and shortened. */
  readonly words: string | undefined;
  /** The permission that is missing. */
  readonly permission: string | undefined;
  /** The parameter that is wrong. */
  readonly parameter: string | undefined;
}

const LONGEST_WORDS = 200;
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * Reads `errors` first and the top level second, whose code may be an older name. `hide` is a secret that must not be
 * quoted should the server repeat it. https://developers.ringcentral.com/guide/basics/errors
 */
export function readErrorBody(bodyText: string, hide: string): ErrorBody {
  const top = parseObject(bodyText);
  if (!top) return { codes: [], words: plainWords(bodyText, hide), permission: undefined, parameter: undefined };
  const listed = Array.isArray(top.errors) ? top.errors.filter(isObject) : [];
  const entries = [...listed, top];
  const shown = (value: unknown): value is string => isName(value) && !value.includes(hide);
  const name = (field: string) => entries.map((entry) => entry[field]).find(shown);
  const said = entries.flatMap((entry) => [entry.message, entry.error_description]).find(isText);
  return {
    codes: entries.flatMap((entry) => [entry.errorCode, entry.error]).filter(shown),
    words: said === undefined ? undefined : clean(said, hide),
    permission: name("permissionName"),
    parameter: name("parameterName"),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** A gateway's plain line, whatever type it claims to be; a page of HTML says nothing that is worth quoting. */
function plainWords(text: string, hide: string): string | undefined {
  return text.length > LONGEST_WORDS || text.includes("<") ? undefined : clean(text, hide);
}

function clean(text: string, hide: string): string | undefined {
  const shown = text
    .replaceAll(hide, "[token]")
    .slice(0, 20_000)
    // Anything else that looks like a token, and ids of single requests, which would make each sentence a new one.
    .replace(/[A-Za-z0-9_.~+=-]{32,}/g, "[...]")
    .replace(/[\p{C}\s]+/gu, " ")
    .replaceAll('"', "'")
    .trim();
  const short = shown.length > LONGEST_WORDS ? `${shown.slice(0, LONGEST_WORDS - 3)}...` : shown;
  return short.toWellFormed() || undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

function isName(value: unknown): value is string {
  return typeof value === "string" && NAME.test(value);
}
