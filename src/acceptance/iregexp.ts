import { compileProgram, type Program } from "./regex.ts";

// I-Regexp (RFC 9485) is the small dialect in which JSONPath's match() and search() take their patterns. It means the
// same in RE2 syntax, but for the dot. "^" and "$" are anchors, as the JSONPath compliance tests have it.

/** The longest I-Regexp, in UTF-8 bytes. */
export const MAX_IREGEXP_BYTES = 512;

export type CompiledIRegexp =
  | { readonly ok: true; readonly program: Program }
  /** `valid` = it is an I-Regexp, but one that cannot run here. */
  | { readonly ok: false; readonly valid: boolean; readonly problem: string };

const CATEGORY = "\\\\[pP]\\{(?:L[lmotu]?|M[cen]?|N[dlo]?|P[cdefios]?|Z[lps]?|S[ckmo]?|C[cfno]?)\\}";
const ESCAPE = "\\\\[()*+\\-.?[\\\\\\]^nrt{|}]";
const CLASS_CHAR = `(?:[\\0-,.-Z^-\\u{D7FF}\\u{E000}-\\u{10FFFF}]|${ESCAPE})`;
const CLASS_ITEM = `(?:${CLASS_CHAR}(?:-${CLASS_CHAR})?|${CATEGORY})`;
const CLASS = `\\[\\^?(?:-|${CLASS_ITEM})(?:${CLASS_ITEM})*-?\\]`;
const NORMAL = "[\\0-',\\-/->@-Z^-z~-\\u{D7FF}\\u{E000}-\\u{10FFFF}]";
const ATOM = new RegExp(`${NORMAL}|\\.|${ESCAPE}|${CATEGORY}|${CLASS}`, "uy");
const QUANTIFIER = /[*+?]|\{\d+(?:,\d*)?\}/y;

/** Compiles an I-Regexp within the bounds on patterns; `whole` = the text must match as a whole. */
export function compileIRegexp(pattern: string, whole: boolean): CompiledIRegexp {
  const bytes = Buffer.byteLength(pattern);
  if (bytes > MAX_IREGEXP_BYTES) {
    const problem = `is ${bytes} bytes long, expected ${MAX_IREGEXP_BYTES} at most`;
    return { ok: false, valid: true, problem };
  }
  const translated = translate(pattern);
  if ("wrongAt" in translated) {
    const rest = pattern.slice(translated.wrongAt, translated.wrongAt + 2);
    const what = rest === "" ? "it ends inside a group" : `"${rest}" at character ${translated.wrongAt + 1}`;
    return { ok: false, valid: false, problem: `is not an I-Regexp of RFC 9485: ${what}` };
  }
  const compiled = compileProgram(whole ? `\\A(?:${translated.re2})\\z` : translated.re2);
  if (compiled.ok) return { ok: true, program: compiled.program };
  return { ok: false, valid: true, problem: compiled.description };
}

/** The same in RE2 syntax, or the position of what is no I-Regexp. */
function translate(pattern: string): { re2: string } | { wrongAt: number } {
  let re2 = "";
  let at = 0;
  let depth = 0;
  const take = (shape: RegExp): string | undefined => {
    shape.lastIndex = at;
    const taken = shape.exec(pattern)?.[0];
    at += taken?.length ?? 0;
    return taken;
  };
  while (at < pattern.length) {
    const char = pattern[at]!;
    if (char === "(" || char === "|") {
      re2 += char === "(" ? "(?:" : char;
      depth += char === "(" ? 1 : 0;
      at++;
      continue;
    }
    if (char === ")" && depth > 0) {
      re2 += char;
      depth--;
      at++;
    } else {
      const atom = take(ATOM);
      if (atom === undefined) return { wrongAt: at };
      re2 += atom === "." ? "[^\\n\\r]" : atom;
    }
    re2 += take(QUANTIFIER) ?? "";
  }
  return depth === 0 ? { re2 } : { wrongAt: at };
}
