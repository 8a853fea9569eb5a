import { expect, test } from "vitest";
import { framed, messageReader } from "./frames.ts";

test("messageReader() takes framed messages apart, however they are cut", () => {
  const messages = [Buffer.from("one"), Buffer.alloc(0), Buffer.alloc(300, 7)];
  const bytes = Buffer.concat(messages.map(framed));
  for (const size of [1, 4, 7, 100, bytes.length]) {
    const read = messageReader();
    const found: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) found.push(...read(bytes.subarray(at, at + size)));
    expect(found).toEqual(messages);
  }
});
