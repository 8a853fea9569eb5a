const LONGEST = 100;

/** A value as given, quoted and short enough for an error; never for what may be a secret. */
export function quote(value: string): string {
  return JSON.stringify(value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value);
}
