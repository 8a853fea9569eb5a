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

/**
 * What comes from the extension's own presence; RingCentral's queue answer does not carry it. An account has some of
 * these and not others (dndStatus with the old call handling; dndStatusPersonal and acceptCallQueueCalls with the new).
 */
export const EXTENSION_FIELDS = [
  "presenceStatus",
  "userStatus",
  "dndStatus",
  "telephonyStatus",
  "dndStatusPersonal",
  "acceptCallQueueCalls",
  "aggregatedTelephonyStatus",
  "meetingStatus",
] as const;

export type ExtensionField = (typeof EXTENSION_FIELDS)[number];
export type Field = PresenceField | ExtensionField;

const FIELDS: readonly Field[] = [...new Set<Field>([...PRESENCE_FIELDS, ...EXTENSION_FIELDS])];
const FROM_EXTENSION: ReadonlySet<Field> = new Set(EXTENSION_FIELDS);
const MAKES_OPEN: ReadonlySet<Field> = new Set(PRESENCE_FIELDS);

export function isExtensionField(field: Field): field is ExtensionField {
  return FROM_EXTENSION.has(field);
}

/** A record that lacks it is open. */
export function isPresenceField(field: Field): field is PresenceField {
  return MAKES_OPEN.has(field);
}

/** The fields whose name stands in a pattern or a path; "dndStatusPersonal" is another name than "dndStatus". */
export function fieldsNamedIn(text: string): readonly Field[] {
  const flags = /\(\?[msU]*i/.test(text) ? "i" : "";
  return FIELDS.filter((field) => new RegExp(`${field}(?![A-Za-z])`, flags).test(text));
}
