/**
 * The text without the token that a server may send back, as it is or escaped in JSON. Stars of the same length leave
 * the places of matches true. `cut`: the text ends anywhere, so its end may be the beginning of the token.
 */
export function hideToken(text: string, token: string | undefined, { cut = false } = {}): string {
  if (!token) return text;
  const escaped = JSON.stringify(token).slice(1, -1);
  let shown = text;
  for (const form of new Set([token, escaped, escaped.replaceAll("/", "\\/")])) {
    shown = shown.replaceAll(form, stars);
    if (cut) shown = hideBeginning(shown, form);
  }
  return shown;
}

function hideBeginning(text: string, secret: string): string {
  for (let length = Math.min(secret.length, text.length); length > 0; length--) {
    const beginning = secret.slice(0, length);
    if (text.endsWith(beginning)) return text.slice(0, -length) + stars(beginning);
  }
  return text;
}

function stars(secret: string): string {
  return "*".repeat(secret.length);
}
