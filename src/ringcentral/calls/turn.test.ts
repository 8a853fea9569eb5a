import { expect, test } from "vitest";
import { furtherCall } from "./further-call.ts";
import { callOptions } from "./test-call.ts";
import { Turn } from "./turn.ts";

test("leadTo() raises what follows, when the first one is raised or was before", () => {
  const first = new Turn("reconcile");
  const [second, third] = [new Turn("reconcile"), new Turn("watched")];
  first.leadTo(second);
  second.leadTo(third);
  first.raise();
  expect([second.purpose, third.purpose]).toEqual(["check", "check"]);
  const late = new Turn("watched");
  first.leadTo(late);
  expect(late.forCheck).toBe(true);
});

test("waitsUntil is the latest of those that follow, and each change is told", () => {
  const first = new Turn("watched");
  const heard: number[] = [];
  first.onWait = () => heard.push(first.waitsUntil);
  const further = furtherCall(callOptions({ turn: first })).turn;
  const shared = new Turn("watched");
  further.leadTo(shared);
  shared.waitsUntil = 7;
  further.waitsUntil = 5;
  shared.waitsUntil = 7;
  shared.waitsUntil = 0;
  further.waitsUntil = 0;
  expect(heard).toEqual([7, 7, 5, 0]);
});

test("leadTo() tells at once of one that waits already", () => {
  const [first, shared] = [new Turn("watched"), new Turn("watched")];
  let told = 0;
  first.onWait = () => told++;
  shared.waitsUntil = 9;
  first.leadTo(shared);
  expect([told, first.waitsUntil]).toEqual([1, 9]);
});
