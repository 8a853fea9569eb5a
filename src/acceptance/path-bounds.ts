import { type JSONPathQuery, jsonpath } from "json-p3";

/**
 * Told before each step of a query how many steps it is, one for about a microsecond; ends the query by throwing. A
 * query explodes by its nested queries, its descendants and its selectors, so it is asked in all of them.
 */
export type Spend = (steps: number) => void;

type Part = jsonpath.selectors.JSONPathSelector | jsonpath.expressions.FilterExpression;

const { FilterSelector, IndexSelector, JSONPathSelector, NameSelector } = jsonpath.selectors;
const { FilterQuery, FunctionExtension, InfixExpression, LogicalExpression, PrefixExpression } = jsonpath.expressions;

/** Every selector and expression of a query, those of nested queries too. */
export function* partsOf(query: JSONPathQuery): Generator<Part> {
  for (const segment of query.segments) {
    for (const selector of segment.selectors) {
      yield selector;
      if (selector instanceof FilterSelector) yield* partsWithin(selector.expression);
    }
  }
}

function* partsWithin(expression: jsonpath.expressions.FilterExpression): Generator<Part> {
  yield expression;
  if (expression instanceof LogicalExpression) yield* partsWithin(expression.expression);
  else if (expression instanceof PrefixExpression) yield* partsWithin(expression.right);
  else if (expression instanceof FunctionExtension)
    for (const argument of expression.args) yield* partsWithin(argument);
  else if (expression instanceof FilterQuery) yield* partsOf(expression.path);
  else if (expression instanceof InfixExpression) {
    yield* partsWithin(expression.left);
    yield* partsWithin(expression.right);
  }
}

/** Makes a query ask before each node that a selector is applied to and each node that a filter judges. */
export function boundQuery(query: JSONPathQuery, spend: Spend): void {
  query.environment.entries = (object) => {
    const entries = Object.entries(object);
    spend(entries.length);
    return entries;
  };
  for (const part of partsOf(query)) {
    if (part instanceof JSONPathSelector) {
      const resolve = part.resolve.bind(part);
      const one = part instanceof NameSelector || part instanceof IndexSelector;
      part.resolve = (node) => {
        // What one selector finds in an array is made in one go; of an object, `entries` is asked for first.
        spend(!one && Array.isArray(node.value) ? 1 + node.value.length : 1);
        return resolve(node);
      };
    } else if (part instanceof LogicalExpression) {
      const evaluate = part.evaluate.bind(part);
      part.evaluate = (context) => {
        spend(1);
        return evaluate(context);
      };
    }
  }
}
