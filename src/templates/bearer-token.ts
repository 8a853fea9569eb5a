import type { Violation } from "../lib/errors.ts";
import { Secret } from "../lib/secret.ts";

// People paste whole Authorization headers, sometimes onto a "Bearer " that is already there.
const BEARER_WORDS = /^(?:bearer(?:\s+|$))+/i;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const LONGEST_BYTES = 8192;

/**
 * The token in what a person pasted, white space around it and any leading "Bearer " dropped. What is refused could not
 * be sent as a header; a violation never repeats any of it.
 */
export function normaliseBearerToken(pasted: string, field: string): { token: Secret } | { violations: Violation[] } {
  return normaliseSecret(pasted.trim().replace(BEARER_WORDS, ""), field, "an access token");
}

/** A token or secret in what a person pasted, white space around it dropped; a violation never repeats any of it. */
export function normaliseSecret(
  pasted: string,
  field: string,
  expected: string,
): { token: Secret } | { violations: Violation[] } {
  const text = pasted.trim();
  const refuse = (reason: string, description: string) => ({ violations: [{ field, reason, description }] });
  if (text === "") return refuse("REQUIRED", `is empty, expected ${expected}`);
  if (!VISIBLE_ASCII.test(text)) {
    return refuse("INVALID_FORMAT", `has white space, control or non-ASCII characters inside, expected ${expected}`);
  }
  if (text.length > LONGEST_BYTES)
    return refuse("TOO_LONG", `is ${text.length} bytes long, expected at most ${LONGEST_BYTES}`);
  return { token: new Secret(text) };
}
