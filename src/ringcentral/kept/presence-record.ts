import { EXTENSION_FIELDS } from "../../acceptance/fields.ts";
import { isJsonObject, type JsonObject } from "../../acceptance/json.ts";
import type { ExtensionPresence } from "../push/push-event.ts";
import { idText } from "../tables/id-text.ts";

/**
 * The presence fields of an extension presence document; undefined when one of them is of another type than RingCentral
 * documents. Absent and null are alike.
 */
export function presenceIn(record: JsonObject): ExtensionPresence | undefined {
  const presence: Record<string, string | boolean> = {};
  for (const field of EXTENSION_FIELDS) {
    const value = record[field] ?? undefined;
    if (value === undefined) continue;
    if (typeof value !== (field === "acceptCallQueueCalls" ? "boolean" : "string")) return undefined;
    presence[field] = value as string | boolean;
  }
  return presence;
}

/** The id of the extension that a presence document is of. */
export function extensionIdIn({ extension }: JsonObject): string | undefined {
  return isJsonObject(extension) ? idText(extension.id) : undefined;
}
