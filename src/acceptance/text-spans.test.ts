import fc from "fast-check";
import { expect, test } from "vitest";
import { cutText, inBytes } from "./text-spans.ts";

const text = fc.string({ unit: fc.constantFrom("a", "é", "€", "\u{10101}"), maxLength: 60 });

test("cutText() keeps as many whole characters as fit", () => {
  fc.assert(
    fc.property(text, fc.nat(120), (text, most) => {
      const cut = cutText(text, most);
      expect(text.startsWith(cut)).toBe(true);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(most);
      const next = [...text.slice(cut.length)][0];
      if (next !== undefined) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(most);
    }),
  );
});

test("inBytes() cuts the same parts out of the encoded text, but for those beyond it", () => {
  fc.assert(
    fc.property(text, fc.array(fc.nat(60), { maxLength: 8 }), (text, positions) => {
      const characters = [...text];
      const unitAt = (position: number) => characters.slice(0, position).join("").length;
      const sorted = positions.map((position) => Math.min(position, characters.length)).toSorted((a, b) => a - b);
      const spans = sorted.slice(1).map((end, index) => [unitAt(sorted[index]!), unitAt(end)] as const);
      const bytes = Buffer.from(text);
      const cut = inBytes(text, [...spans, [0, text.length + 1]]);
      expect(cut.map(({ start, end }) => bytes.toString("utf8", start, end))).toEqual(
        spans.map(([start, end]) => text.slice(start, end)),
      );
    }),
  );
});
