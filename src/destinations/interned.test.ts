import { expect, test } from "vitest";
import { Interned } from "./interned.ts";

test("get() makes something of equal texts once, and shares it", () => {
  const interned = new Interned<object>();
  const first = interned.get("a", () => ({}));
  expect(interned.get("a", () => ({}))).toBe(first);
  expect(interned.get("b", () => ({}))).not.toBe(first);
});

test("get() forgets what was asked for longest ago when there is too much", () => {
  const interned = new Interned<object>();
  const [old, kept] = ["old", "kept"].map((text) => interned.get(text, () => ({})));
  for (let other = 0; other < 1022; other++) interned.get(`${other}`, () => ({}));
  expect(interned.get("kept", () => ({}))).toBe(kept);
  for (const more of ["one more", "yet another"]) interned.get(more, () => ({}));
  expect(interned.get("kept", () => ({}))).toBe(kept);
  expect(interned.get("old", () => ({}))).not.toBe(old);
});
