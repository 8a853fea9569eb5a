import { createHash } from "node:crypto";
import type { Selection } from "./board.ts";

/** What a resume token is about: positions mean something within one life of the process and for one watched set. */
export interface TokenScope {
  /** Names the life; no dots. */
  readonly life: string;
  /** Names the watched set, see hashOf(). */
  readonly set: string;
}

/** The resume token of a position. */
export function tokenAt(position: number, { life, set }: TokenScope): string {
  return `${life}.${position.toString(36)}.${set}`;
}

/** The position that a token names; undefined when it was not made in this scope. */
export function positionOf(token: string, scope: TokenScope): number | undefined {
  const [, text = ""] = token.split(".");
  const position = Number.parseInt(text, 36);
  const whole = Number.isSafeInteger(position) && position >= 0;
  return whole && tokenAt(position, scope) === token ? position : undefined;
}

/** Names the watched set, so that a token of one Watch is not taken for another's. */
export function hashOf(selection: Selection): string {
  const set =
    "ids" in selection
      ? [...selection.ids].sort()
      : Object.entries(selection.selector).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(set)).digest("base64url").slice(0, 12);
}
