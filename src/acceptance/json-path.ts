import {
  JSONPathEnvironment,
  JSONPathError,
  type JSONPathNode,
  type JSONPathQuery,
  type JSONValue,
  jsonpath,
  type Token,
  TokenKind,
} from "json-p3";
import { MAX_DEPTH } from "./document.ts";
import { compileIRegexp } from "./iregexp.ts";
import type { JsonValue } from "./json.ts";
import { boundQuery, partsOf, type Spend } from "./path-bounds.ts";
import { correctNumbers, correctRoots } from "./path-corrections.ts";
import { boundFunctions } from "./path-functions.ts";

/** The longest path, in UTF-8 bytes. */
export const MAX_PATH_BYTES = 512;

/** JsonPath is an RFC 9535 query, compiled; equal documents give equal nodes. */
export interface JsonPath {
  readonly written: string;
  /** It finds one node at most, whatever the document. */
  readonly singular: boolean;
  /** Shows each node, as it is found, until `visit` says false. Numbers have to be plain ones. */
  each(json: JsonValue, spend: Spend, visit: (node: JSONPathNode) => boolean): void;
}

export type CompiledJsonPath =
  | { readonly ok: true; readonly path: JsonPath }
  | { readonly ok: false; readonly reason: string; readonly description: string };

const { FunctionExtension, InfixExpression, PrefixExpression, StringLiteral } = jsonpath.expressions;

/** Compiles a path, the patterns in it too; nothing of it is left to be parsed when it is followed. */
export function compileJsonPath(written: string): CompiledJsonPath {
  const bytes = Buffer.byteLength(written);
  if (bytes === 0) return refused("REQUIRED", `is empty, expected 1 to ${MAX_PATH_BYTES} bytes`);
  if (bytes > MAX_PATH_BYTES) {
    return refused("TOO_LONG", `is ${bytes} bytes long, expected 1 to ${MAX_PATH_BYTES} bytes`);
  }
  let spending: Spend = () => {};
  const spend: Spend = (steps) => spending(steps);
  let query: JSONPathQuery;
  try {
    query = environmentFor(spend).compile(written);
  } catch (error) {
    const { message, token } =
      error instanceof JSONPathError ? error : { message: "it cannot be read", token: undefined };
    return notAPath(written, message, token?.index ?? 0, token);
  }
  for (const part of partsOf(query)) {
    if (part instanceof InfixExpression && !part.logical && [part.left, part.right].some(isTest)) {
      return notAPath(written, "a test or another comparison cannot be compared", part.token.index);
    }
    if (!(part instanceof FunctionExtension)) continue;
    const pattern = part.name === "match" || part.name === "search" ? part.args[1] : undefined;
    if (!(pattern instanceof StringLiteral)) continue;
    const compiled = compileIRegexp(pattern.value, part.name === "match");
    if (!compiled.ok) {
      return refused(
        "INVALID_PATTERN",
        `has at character ${pattern.token.index + 1} a pattern that ${compiled.problem}`,
      );
    }
    // Its function keeps it from here on.
    query.environment.functionRegister.get(part.name)!.call("", pattern.value);
  }
  correctRoots(query);
  boundQuery(query, spend);
  const singular = query.singularQuery();
  return {
    ok: true,
    path: {
      written,
      singular,
      each(json, spend, visit) {
        spending = spend;
        for (const node of query.lazyQuery(json as JSONValue)) if (!visit(node)) break;
      },
    },
  };
}

/** One environment for each path, so that each asks its own `spend`. */
function environmentFor(spend: Spend): JSONPathEnvironment {
  // A document's own limit comes first, so that a path never fails for depth.
  const environment = new JSONPathEnvironment({ maxRecursionDepth: MAX_DEPTH + 3 });
  for (const [name, filter] of Object.entries(boundFunctions(spend))) environment.functionRegister.set(name, filter);
  correctNumbers(environment);
  return environment;
}

function isTest(operand: jsonpath.expressions.FilterExpression): boolean {
  return operand instanceof InfixExpression || operand instanceof PrefixExpression;
}

function notAPath(written: string, message: string, index: number, token?: Token): CompiledJsonPath {
  const what = token?.kind === TokenKind.ERROR && message.includes(TokenKind.ERROR) ? token.value : message;
  const said = what
    .replace(/ \('.*':\d+\)$/s, "")
    .replace(/ {2,}/g, " ")
    .replace("can't backup beyond start", "something is missing")
    .replace(/'?(?:TOKEN_)([A-Z_]+)'?/g, (_match, name: string) => name.toLowerCase().replaceAll("_", " "));
  const where = index >= written.length || token?.kind === TokenKind.EOF ? "at the end" : `at character ${index + 1}`;
  return refused("INVALID_PATH", `is not a JSONPath of RFC 9535: ${where}, ${said}`);
}

function refused(reason: string, description: string): CompiledJsonPath {
  return { ok: false, reason, description };
}
