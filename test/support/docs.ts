import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";

/** A part of a page in docs/ that a test writes, between two lines that stay. */
export interface WrittenPart {
  /** File name in docs/. */
  readonly page: string;
  readonly begin: string;
  readonly end: string;
}

/** Expects the part to be `text` as it stands; with UPDATE_DOCS=1 writes it instead. */
export async function expectWritten({ page, begin, end }: WrittenPart, text: string): Promise<void> {
  const path = join(import.meta.dirname, "../../docs", page);
  const whole = await readFile(path, "utf8");
  const [before, rest] = whole.split(begin);
  const [, after] = rest?.split(end) ?? [];
  if (after === undefined) throw new Error(`Cannot look at a part of ${page}: it has no "${begin}" and "${end}"`);
  if (process.env.UPDATE_DOCS === "1") await writeFile(path, `${before}${begin}\n\n${text}\n${end}${after}`);
  else expect(`${begin}\n\n${text}\n${end}`).toBe(whole.slice(before!.length, whole.length - after.length));
}
