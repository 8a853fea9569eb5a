import { describe, expect, test } from "vitest";
import { Marks } from "./marks.ts";

const MINUTE = 60_000;
const sales = { team: "sales" };

describe("changedSince()", () => {
  test("gives each destination once, however often it changed, and those that went", () => {
    const marks = new Marks();
    marks.changed("a", {}, 1);
    marks.changed("b", {}, 2);
    for (let position = 3; position < 1_000; position++) marks.changed("b", {}, position);
    marks.changed("c", {}, 1_000);
    marks.removed("c", 1_001, 0);
    expect([...marks.changedSince(0)]).toEqual(["a", "b", "c"]);
    expect([...marks.changedSince(1)]).toEqual(["b", "c"]);
    expect([...marks.changedSince(1_000)]).toEqual(["c"]);
    expect([...marks.changedSince(1_001)]).toEqual([]);
  });
});

describe("forget()", () => {
  test("raises the floor to the removals that are over an hour old, and no sooner", () => {
    const marks = new Marks();
    for (const [index, id] of ["a", "b", "c"].entries()) marks.changed(id, {}, index + 1);
    marks.removed("a", 4, 0);
    marks.removed("b", 5, 10 * MINUTE);
    marks.forget(60 * MINUTE);
    expect(marks.floor).toBe(0);
    marks.forget(60 * MINUTE + 1);
    expect(marks.floor).toBe(4);
    expect([...marks.changedSince(0)]).toEqual(["b", "c"]);
    marks.removed("c", 6, 80 * MINUTE); // each removal forgets older ones
    expect(marks.floor).toBe(5);
    expect([...marks.changedSince(0)]).toEqual(["c"]);
  });

  test("keeps what came again, and counts its hour anew when it goes again", () => {
    const marks = new Marks();
    marks.changed("a", {}, 1);
    marks.changed("b", {}, 2);
    marks.removed("a", 3, 0);
    marks.changed("a", {}, 4);
    marks.removed("b", 5, MINUTE);
    marks.removed("a", 6, 2 * MINUTE);
    marks.forget(61 * MINUTE + 1);
    expect(marks.floor).toBe(5);
    marks.changed("a", {}, 7);
    marks.forget(1_000 * MINUTE);
    expect(marks.floor).toBe(5);
    expect([...marks.changedSince(0)]).toEqual(["a"]);
  });
});

describe("heldSince()", () => {
  test("goes by the labels while they never were others", () => {
    const marks = new Marks();
    marks.changed("a", sales, 1);
    marks.changed("b", { team: "care" }, 2);
    marks.changed("a", { ...sales }, 3);
    marks.changed("b", { team: "care" }, 4);
    expect([...marks.heldSince(0, sales)]).toEqual(["a"]);
    expect([...marks.heldSince(4, {})]).toEqual(["a", "b"]);
  });

  test("has what had other labels since, and not what had them before", () => {
    const marks = new Marks();
    marks.changed("a", sales, 1);
    marks.changed("a", {}, 2);
    marks.changed("a", {}, 3);
    expect([...marks.heldSince(1, sales)]).toEqual(["a"]);
    expect([...marks.heldSince(2, sales)]).toEqual([]);
  });

  test("sees labels that were added, taken or set otherwise", () => {
    for (const [before, after] of [
      [{}, sales],
      [sales, {}],
      [sales, { team: "care" }],
    ]) {
      const marks = new Marks();
      marks.changed("a", before!, 1);
      marks.changed("a", after!, 2);
      expect([...marks.heldSince(1, { team: "other" })]).toEqual(["a"]);
      expect(marks.labels("a")).toBe(after);
    }
  });

  test("has what went since, whenever it came, and not what had gone before", () => {
    const marks = new Marks();
    marks.changed("a", sales, 1);
    marks.removed("a", 2, 0);
    expect([...marks.heldSince(0, sales)]).toEqual(["a"]);
    expect([...marks.heldSince(1, sales)]).toEqual(["a"]);
    expect([...marks.heldSince(2, sales)]).toEqual([]);
    marks.changed("a", {}, 3);
    expect([...marks.heldSince(2, sales)]).toEqual(["a"]);
    expect([...marks.heldSince(3, sales)]).toEqual([]);
  });
});
