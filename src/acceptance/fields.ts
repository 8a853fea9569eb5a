/** The fields of a record that a pattern may depend on: a record that lacks one of those it names may be open. */
export const PRESENCE_FIELDS = [
  "acceptQueueCalls",
  "acceptCurrentQueueCalls",
  "presenceStatus",
  "userStatus",
  "dndStatus",
  "telephonyStatus",
] as const;

export type PresenceField = (typeof PRESENCE_FIELDS)[number];

/** Those of them that RingCentral's queue answer does not carry; they come from the extension's own presence. */
export const EXTENSION_FIELDS: readonly PresenceField[] = [
  "presenceStatus",
  "userStatus",
  "dndStatus",
  "telephonyStatus",
];

/** The presence fields whose name stands in a pattern; "dndStatusPersonal" is another name than "dndStatus". */
export function fieldsNamedIn(pattern: string): readonly PresenceField[] {
  const flags = /\(\?[msU]*i/.test(pattern) ? "i" : "";
  return PRESENCE_FIELDS.filter((field) => new RegExp(`${field}(?![A-Za-z])`, flags).test(pattern));
}
