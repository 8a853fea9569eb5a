/** One atom, group mark or operator of a pattern in RE2 syntax, with the quantifier that follows it. */
export interface PatternToken {
  readonly kind: "literal" | "class" | "atom" | "assertion" | "open" | "close" | "bar" | "flags" | "unsupported";
  /** As written, without its quantifier. */
  readonly text: string;
  /** For "literal": the one character it stands for. */
  readonly char?: string;
  /** For "unsupported": what it is called. */
  readonly construct?: "look-ahead" | "look-behind" | "back-reference";
  /** Written between \Q and \E. */
  readonly quoted: boolean;
  /** As written, for example "*", "{2,3}" or "+?"; empty when there is none. */
  quantifier: string;
}

export interface TokenizedPattern {
  readonly tokens: readonly PatternToken[];
  /** The pattern ends inside \Q, without \E. */
  readonly endsQuoted: boolean;
}

const QUANTIFIER = /[*+?]\??|\{(?:0|[1-9]\d*)(?:,(?:0|[1-9]\d*)?)?\}\??/y;
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[\s\S]|[^\]\\])*\]/y;
const LOOK_AROUND = /\(\?(<?)[=!]/y;
const FLAGS = /\(\?[imsU-]*\)/y;
const OPEN = /\((?:\?(?:P?<\w+>|[imsU-]*:))?/y;
const BACK_REFERENCE = /\\(?:[89]|[1-7](?![0-7])|k[<{'][^>}']*[>}']|g\{?-?\d+\}?)|\(\?P=\w*\)/y;
const CODE = /\\(?:x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]+)\}|([0-7]{1,3}))/y;
const UNICODE_CLASS = /\\[pP](?:\{[^}]*\}|[\s\S])/y;
const CONTROL: Readonly<Record<string, string>> = { a: "\x07", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" };

/** Splits a pattern that re2js accepts into tokens; of one that it refuses, finds what RE2 has no word for. */
export function tokenize(pattern: string): TokenizedPattern {
  const tokens: PatternToken[] = [];
  let at = 0;
  let quoted = false;
  const take = (shape: RegExp): RegExpExecArray | null => {
    shape.lastIndex = at;
    return shape.exec(pattern);
  };
  while (at < pattern.length) {
    if (pattern.startsWith(quoted ? "\\E" : "\\Q", at)) {
      at += 2;
      quoted = !quoted;
    } else {
      const token = quoted ? literal(pattern[at]!, pattern[at]!, true) : next(pattern, at, take);
      at += token.text.length;
      tokens.push(token);
    }
    const last = tokens.at(-1);
    const quantifier = quoted || last === undefined || last.quantifier !== "" ? null : take(QUANTIFIER);
    if (last !== undefined && quantifier !== null) {
      last.quantifier = quantifier[0];
      at += quantifier[0].length;
    }
  }
  return { tokens, endsQuoted: quoted };
}

function next(pattern: string, at: number, take: (shape: RegExp) => RegExpExecArray | null): PatternToken {
  const char = pattern[at]!;
  if (char === "\\") return escaped(pattern, at, take);
  if (char === "[") return token("class", take(CLASS)?.[0] ?? char);
  if (char === "(") {
    const look = take(LOOK_AROUND);
    if (look) return { ...token("unsupported", look[0]), construct: look[1] === "" ? "look-ahead" : "look-behind" };
    const reference = take(BACK_REFERENCE);
    if (reference) return { ...token("unsupported", reference[0]), construct: "back-reference" };
    const flags = take(FLAGS);
    return flags ? token("flags", flags[0]) : token("open", take(OPEN)![0]);
  }
  if (char === ")") return token("close", char);
  if (char === "|") return token("bar", char);
  if (char === "^" || char === "$") return token("assertion", char);
  return char === "." ? token("atom", char) : literal(char, char);
}

function escaped(pattern: string, at: number, take: (shape: RegExp) => RegExpExecArray | null): PatternToken {
  const reference = take(BACK_REFERENCE);
  if (reference) return { ...token("unsupported", reference[0]), construct: "back-reference" };
  const code = take(CODE);
  if (code) {
    const [text, two, any, octal] = code;
    const point = octal === undefined ? Number.parseInt((two ?? any)!, 16) : Number.parseInt(octal, 8);
    return point <= 0x10ffff ? literal(text, String.fromCodePoint(point)) : token("atom", text);
  }
  const unicode = take(UNICODE_CLASS);
  if (unicode) return token("atom", unicode[0]);
  const text = pattern.slice(at, at + 2);
  const name = text[1] ?? "";
  if (CONTROL[name] !== undefined) return literal(text, CONTROL[name]);
  if (/[AbBz]/.test(name)) return token("assertion", text);
  return /\w/.test(name) || name === "" ? token("atom", text) : literal(text, name);
}

function token(kind: PatternToken["kind"], text: string): PatternToken {
  return { kind, text, quoted: false, quantifier: "" };
}

function literal(text: string, char: string, quoted = false): PatternToken {
  return { kind: "literal", text, char, quoted, quantifier: "" };
}
