import { type FilterFunction, FunctionExpressionType, Nothing } from "json-p3";
import { type CompiledIRegexp, compileIRegexp } from "./iregexp.ts";
import type { Spend } from "./path-bounds.ts";

/** Why a path cannot be followed in a document; the message is for the person who wrote the path. */
export class PathFailure extends Error {
  override readonly name = "PathFailure";
}

// Characters searched times program size that take about as long as one step.
const WORK_PER_STEP = 100;
// What compiling a pattern may take, in steps.
const COMPILING = 200;
// Patterns that an answer brings with it are few; this keeps an odd one from filling the memory.
const PATTERNS = 64;

/** The functions of RFC 9535 that json-p3's own would run unbounded: match(), search(), length(). */
export function boundFunctions(spend: Spend): Readonly<Record<string, FilterFunction>> {
  return { match: patternFunction(true, spend), search: patternFunction(false, spend), length: lengthFunction(spend) };
}

function patternFunction(whole: boolean, spend: Spend): FilterFunction {
  const compiled = new Map<string, CompiledIRegexp>();
  return {
    argTypes: [FunctionExpressionType.ValueType, FunctionExpressionType.ValueType],
    returnType: FunctionExpressionType.LogicalType,
    call(text: unknown, pattern: unknown) {
      if (typeof text !== "string" || typeof pattern !== "string") return false;
      let result = compiled.get(pattern);
      if (result === undefined) {
        spend(COMPILING);
        result = compileIRegexp(pattern, whole);
        if (compiled.size >= PATTERNS) compiled.clear();
        // A pattern that is far too long is not worth its memory.
        if (result.ok || !result.valid) compiled.set(pattern, result);
      }
      if (!result.ok) {
        if (result.valid) throw new PathFailure(`a pattern that the answer gives ${result.problem}`);
        return false;
      }
      const { re, programSize } = result.program;
      spend(Math.ceil(((text.length + 1) * programSize) / WORK_PER_STEP));
      return re.test(text);
    },
  };
}

/** Characters, items or members; json-p3's own counts the halves of a surrogate pair. */
function lengthFunction(spend: Spend): FilterFunction {
  return {
    argTypes: [FunctionExpressionType.ValueType],
    returnType: FunctionExpressionType.ValueType,
    call(value: unknown) {
      if (Array.isArray(value)) return value.length;
      if (typeof value === "string") {
        spend(Math.ceil(value.length / WORK_PER_STEP));
        let characters = 0;
        for (const _ of value) characters++;
        return characters;
      }
      return typeof value === "object" && value !== null ? Object.keys(value).length : Nothing;
    },
  };
}
