import type { Attempt } from "./exchange.ts";

const PLACEHOLDER = "[token]";

/** A text without a secret that may stand in it, as it is or as JSON may escape it. */
export function conceal(text: string, secret: string): string {
  if (secret === "") return text;
  const plain = text.replaceAll(secret, PLACEHOLDER);
  // Most texts have no such escapes, and are looked at no further.
  return /\\["\\/u]/.test(plain) ? plain.replace(escaped(secret), PLACEHOLDER) : plain;
}

/** The path of an address without a secret that may stand in it, percent-encoded or not. */
export function concealedPath(path: string, secret: string): string {
  const plain = conceal(path, secret);
  if (secret === "" || !plain.includes("%")) return plain;
  try {
    return decodeURIComponent(plain).includes(secret) ? `/${PLACEHOLDER}` : plain;
  } catch {
    return `/${PLACEHOLDER}`;
  }
}

/** An answer without what it was sent as a secret: a server, or what stands between, may send back what it was sent. */
export function concealIn(attempt: Attempt, secret: string): Attempt {
  if (attempt.kind !== "response") return attempt;
  const headers = Object.entries(attempt.headers).map(([name, value]) =>
    // Where to go next has to stay as it is; it is not told to anybody.
    name === "location" ? [name, value] : [name, conceal(value, secret)],
  );
  return { ...attempt, headers: Object.fromEntries(headers), bodyText: conceal(attempt.bodyText, secret) };
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
