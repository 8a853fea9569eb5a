import { isJsonObject, isWrittenNumber, type JsonObject, type JsonValue } from "../acceptance/json.ts";

/**
 * Why an answer is not the whole list, or undefined when it is. Queue presence is documented to come whole; should a
 * server divide it, a part counted as the whole would say that agents are missing who are not.
 */
export function truncation(answer: { json: JsonObject; records: readonly JsonObject[] }): string | undefined {
  const { paging, navigation } = answer.json;
  if (count(member(paging, "totalPages")) > 1 || member(navigation, "nextPage")) {
    return "its answer is one page of several, which are not put together";
  }
  const fewer = count(member(paging, "totalElements")) > answer.records.length;
  return fewer ? "its answer holds fewer records than it says there are" : undefined;
}

function member(holder: JsonValue | undefined, name: string): JsonValue | undefined {
  return holder !== undefined && isJsonObject(holder) ? holder[name] : undefined;
}

/** NaN, which is not more than anything, when it is no number. */
function count(value: JsonValue | undefined): number {
  return Number(value !== undefined && isWrittenNumber(value) ? value.rawJSON : value);
}
