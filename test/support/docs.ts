import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A part of a page in docs/ that a test writes, between two lines that stay. */
export interface WrittenPart {
  /** File name in docs/. */
  readonly page: string;
  readonly begin: string;
  readonly end: string;
}

/** What the part says; with UPDATE_DOCS=1 it says `text` from now on. */
export async function writtenPart({ page, begin, end }: WrittenPart, text: string): Promise<string> {
  const path = join(import.meta.dirname, "../../docs", page);
  const [before, rest] = (await readFile(path, "utf8")).split(begin);
  const [part, after] = rest?.split(end) ?? [];
  if (after === undefined) throw new Error(`Cannot look at a part of ${page}: it has no "${begin}" and "${end}"`);
  if (process.env.UPDATE_DOCS !== "1") return part!.replace(/^\n\n/, "").replace(/\n$/, "");
  await writeFile(path, `${before}${begin}\n\n${text}\n${end}${after}`);
  return text;
}
