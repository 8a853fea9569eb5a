import { mkdirSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { storeTrouble } from "./sqlite-errors.ts";

function thrownBy(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

describe("storeTrouble()", () => {
  test("is UNAVAILABLE with the cause when the disk is full", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("create table t (x); pragma max_page_count = 2");
    const cause = thrownBy(() => database.exec("insert into t values (zeroblob(100000))"));
    expect(storeTrouble("write", "/data/x.db", cause)).toMatchObject({
      code: "UNAVAILABLE",
      message: 'Cannot write store "/data/x.db": the disk is full',
      cause,
    });
  });

  test("is UNAVAILABLE when the database may not be written", () => {
    const database = new DatabaseSync(":memory:");
    database.exec("create table t (x); pragma query_only = on");
    const cause = thrownBy(() => database.exec("insert into t values (1)"));
    expect(storeTrouble("write", "x", cause)).toMatchObject({ message: 'Cannot write store "x": it is read-only' });
  });

  test("is UNAVAILABLE in SQLite's words when the state has no name here", () => {
    const cause = thrownBy(() => new DatabaseSync(":memory:").exec("select from"));
    expect(storeTrouble("read", "x", cause)).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/^Cannot read store "x": SQLite says near "from": syntax error/),
    });
  });

  test("is UNAVAILABLE when the file system refuses", () => {
    const cause = thrownBy(() => mkdirSync("/dev/null/x"));
    expect(storeTrouble("open", "x", cause)).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("ENOTDIR"),
    });
  });

  test("gives back anything else as it was", () => {
    const mistake = new TypeError("x is not a function");
    expect(storeTrouble("read", "x", mistake)).toBe(mistake);
    expect(storeTrouble("read", "x", "text")).toBe("text");
  });
});
