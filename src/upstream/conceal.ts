import { Secret } from "../lib/secret.ts";
import type { Attempt } from "./exchange.ts";

const PLACEHOLDER = "[token]";
// What is shorter protects nothing, and stands by chance in any text.
const SHORTEST = 4;

/** A text without secrets that may stand in it, as they are, as JSON may escape them or as an address or form does. */
export function conceal(text: string, secrets: readonly string[]): string {
  let plain = text;
  // A longer secret may hold a shorter one.
  for (const secret of [...secrets].sort((a, b) => b.length - a.length)) {
    if (secret.length < SHORTEST) continue;
    for (const form of formsOf(secret)) plain = plain.replaceAll(form, PLACEHOLDER);
    // Most texts have no such escapes, and are looked at no further.
    if (/\\["\\/u]/.test(plain)) plain = plain.replace(escaped(secret), PLACEHOLDER);
  }
  return plain;
}

/** The path of an address without secrets that may stand in it, percent-encoded or not. */
export function concealedPath(path: string, secrets: readonly string[]): string {
  const plain = conceal(path, secrets);
  const given = secrets.filter((secret) => secret.length >= SHORTEST);
  if (given.length === 0 || !plain.includes("%")) return plain;
  try {
    const decoded = decodeURIComponent(plain);
    return given.some((secret) => decoded.includes(secret)) ? `/${PLACEHOLDER}` : plain;
  } catch {
    return `/${PLACEHOLDER}`;
  }
}

/**
 * An answer without what it was sent as secrets: a server, or what stands between, may send back what it was sent. One
 * that is itself a secret has its body where nothing prints it, and as it came: what was sent may stand in it by right.
 */
export function concealIn(
  attempt: Attempt,
  { secrets, secretAnswer = false }: { secrets: readonly string[]; secretAnswer?: boolean | undefined },
): Attempt {
  if (attempt.kind !== "response") return attempt;
  const headers = Object.entries(attempt.headers).map(([name, value]) =>
    // Where to go next has to stay as it is; it is not told to anybody.
    name === "location" ? [name, value] : [name, conceal(value, secrets)],
  );
  const body = secretAnswer
    ? { bodyText: "", secretBody: new Secret(attempt.bodyText) }
    : { bodyText: conceal(attempt.bodyText, secrets) };
  return { ...attempt, headers: Object.fromEntries(headers), ...body };
}

function formsOf(secret: string): Set<string> {
  const wellFormed = secret.toWellFormed();
  const encoded = [encodeURIComponent(wellFormed), new URLSearchParams([["", wellFormed]]).toString().slice(1)];
  const lowerCase = encoded.map((form) => form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  return new Set([secret, ...encoded, ...lowerCase]);
}

function escaped(secret: string): RegExp {
  const units = Array.from({ length: secret.length }, (_, index) => {
    const unit = secret[index]!;
    const code = secret.charCodeAt(index).toString(16).padStart(4, "0");
    const anyCase = code.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
    return `(?:\\\\?${RegExp.escape(unit)}|\\\\u${anyCase})`;
  });
  return new RegExp(units.join(""), "g");
}
