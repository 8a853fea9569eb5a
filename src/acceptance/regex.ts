import { RE2JS } from "re2js";
import { type Finder, literalFinder, literalOf } from "./literal.ts";
import { normalisePattern } from "./normalise.ts";
import { type PatternToken, tokenize } from "./pattern-tokens.ts";

/** The longest pattern, in UTF-8 bytes as written. */
export const MAX_PATTERN_BYTES = 512;
/** The largest compiled pattern, in instructions: what a search costs is the characters searched times the instructions. */
export const MAX_PROGRAM_SIZE = 512;

/** Program is a pattern as it runs. */
export interface Program {
  readonly re: RE2JS;
  /** In instructions. */
  readonly programSize: number;
}

/** CompiledPattern is a pattern ready to be searched for; equal patterns share one. */
export interface CompiledPattern extends Program {
  /** What finds it in a text. */
  readonly finder: Finder;
  /** What a search costs for each character: its instructions, and 1 where it is for a literal. */
  readonly workPerChar: number;
  readonly written: string;
  /** The pattern that runs: as written for RAW, else normalised to canonical text. */
  readonly used: string;
}

type Refused = { readonly ok: false; readonly reason: string; readonly description: string };

export type CompiledRegex = { readonly ok: true; readonly pattern: CompiledPattern } | Refused;

const INTERNED = 1024;
const interned = new Map<string, CompiledRegex>();

/** Compiles a pattern within the bounds, normalised to canonical text when `normalise` is set. */
export function compileRegex(written: string, normalise: boolean): CompiledRegex {
  const bytes = Buffer.byteLength(written);
  if (bytes === 0) return refused("REQUIRED", `is empty, expected 1 to ${MAX_PATTERN_BYTES} bytes`);
  if (bytes > MAX_PATTERN_BYTES) {
    return refused("TOO_LONG", `is ${bytes} bytes long, expected 1 to ${MAX_PATTERN_BYTES} bytes`);
  }
  const key = `${normalise ? "canonical" : "raw"} ${written}`;
  const compiled = interned.get(key) ?? compile(written, normalise);
  // Deleting first keeps the map in the order of last use.
  interned.delete(key);
  interned.set(key, compiled);
  if (interned.size > INTERNED) interned.delete(interned.keys().next().value!);
  return compiled;
}

function compile(written: string, normalise: boolean): CompiledRegex {
  const { tokens } = tokenize(written);
  const stranger = tokens.find((token) => token.kind === "unsupported");
  if (stranger !== undefined) {
    const reason =
      stranger.construct === "back-reference" ? "BACK_REFERENCE_NOT_SUPPORTED" : "LOOK_AROUND_NOT_SUPPORTED";
    return refused(reason, `uses the ${stranger.construct} "${stranger.text}", which RE2 syntax does not have`);
  }
  // Compiling a pattern that is far too large takes long by itself.
  const least = leastProgramSize(tokens);
  if (least > 4 * MAX_PROGRAM_SIZE) return tooLarge(`at least ${least}`);
  const asWritten = tryCompile(written);
  if (typeof asWritten === "string") return refused("INVALID_PATTERN", `is not a pattern in RE2 syntax: ${asWritten}`);
  const used = normalise ? normalisePattern(written) : written;
  const re = used === written ? asWritten : tryCompile(used);
  if (typeof re === "string") return refused("INVALID_PATTERN", `becomes "${used}" for canonical text: ${re}`);
  const programSize = re.programSize();
  if (programSize > MAX_PROGRAM_SIZE) return tooLarge(`${programSize}`);
  if (matchesEmptyText(re)) return refused("MATCHES_EMPTY_TEXT", "matches the empty text, which is everywhere");
  const literal = literalOf(tokenize(used).tokens);
  const finding =
    literal === undefined
      ? { finder: re, workPerChar: programSize }
      : { finder: literalFinder(literal), workPerChar: 1 };
  return { ok: true, pattern: { written, used, re, programSize, ...finding } };
}

/** Compiles a pattern in RE2 syntax as it is, within the bound on programs alone. */
export function compileProgram(pattern: string): { readonly ok: true; readonly program: Program } | Refused {
  const least = leastProgramSize(tokenize(pattern).tokens);
  if (least > 4 * MAX_PROGRAM_SIZE) return tooLarge(`at least ${least}`);
  const re = tryCompile(pattern);
  if (typeof re === "string") return refused("INVALID_PATTERN", `is not a pattern in RE2 syntax: ${re}`);
  const programSize = re.programSize();
  return programSize > MAX_PROGRAM_SIZE ? tooLarge(`${programSize}`) : { ok: true, program: { re, programSize } };
}

/** The pattern, or what is wrong with it. */
function tryCompile(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern);
  } catch (error) {
    return (error as Error).message.replace(/^error parsing regexp: /, "").replace(/`(.*)`$/s, '"$1"');
  }
}

// Where an empty match shows: anchors in the empty text, word boundaries beside a word.
const PLACES = ["", "a", "a b", "\n\n", ' "a": 1,\n{'];

function matchesEmptyText(re: RE2JS): boolean {
  return PLACES.some((text) => {
    const matcher = re.matcher(text);
    while (matcher.find()) if (matcher.start() === matcher.end()) return true;
    return false;
  });
}

/** A lower bound of the compiled size, from counted repetitions; of alternatives the largest, for they may share a start. */
function leastProgramSize(tokens: readonly PatternToken[]): number {
  interface Level {
    branch: number;
    largest: number;
  }
  const levels: Level[] = [{ branch: 0, largest: 0 }];
  const sizeOf = (level: Level) => Math.max(level.branch, level.largest);
  for (const token of tokens) {
    const level = levels.at(-1)!;
    if (token.kind === "open") levels.push({ branch: 0, largest: 0 });
    else if (token.kind === "bar") Object.assign(level, { branch: 0, largest: sizeOf(level) });
    else if (token.kind === "close" && levels.length > 1) {
      levels.pop();
      levels.at(-1)!.branch += sizeOf(level) * copies(token.quantifier);
    } else if (token.kind === "literal" || token.kind === "atom" || token.kind === "class") {
      level.branch += copies(token.quantifier);
    }
  }
  return levels.reduce((sum, level) => sum + sizeOf(level), 0);
}

function copies(quantifier: string): number {
  const counted = /^\{(\d+)(?:,(\d*))?\}/.exec(quantifier);
  return counted ? Math.max(Number(counted[1]), Number(counted[2] ?? 0)) : 1;
}

function tooLarge(size: string): Refused {
  return refused("PROGRAM_TOO_LARGE", `compiles to ${size} instructions, expected ${MAX_PROGRAM_SIZE} at most`);
}

function refused(reason: string, description: string): Refused {
  return { ok: false, reason, description };
}
