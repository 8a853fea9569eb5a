import {
  type JSONPathEnvironment,
  JSONPathNode,
  JSONPathNodeList,
  type JSONPathQuery,
  JSONPathSyntaxError,
  jsonpath,
  type Token,
  TokenKind,
} from "json-p3";
import { partsOf } from "./path-bounds.ts";

// Where json-p3 2.3.1 is not what RFC 9535 says, though it passes the compliance tests.

const { NumberLiteral, RelativeQuery } = jsonpath.expressions;

interface Tokens {
  readonly current: Token;
}

/** It takes the 0 of 0.5 for a leading zero, and -01 for a number. */
export function correctNumbers(environment: JSONPathEnvironment): void {
  const { parser } = environment as unknown as { parser: { tokenMap: Map<TokenKind, (at: Tokens) => unknown> } };
  parser.tokenMap.set(TokenKind.NUMBER, ({ current: token }) => {
    if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(token.value)) {
      return new NumberLiteral(token, Number(token.value));
    }
    throw new JSONPathSyntaxError(`invalid number literal '${token.value}'`, token);
  });
}

/** In a filter within a filter it takes the node that is judged for the root. */
export function correctRoots(query: JSONPathQuery): void {
  for (const part of partsOf(query)) {
    if (!(part instanceof RelativeQuery)) continue;
    part.evaluate = ({ currentValue, rootValue }) => {
      let nodes = [new JSONPathNode(currentValue, [], rootValue)];
      for (const segment of part.path.segments) nodes = segment.resolve(nodes);
      return new JSONPathNodeList(nodes);
    };
  }
}
