import { expect, onTestFinished, test, vi } from "vitest";
import { createSystemClock } from "./clock.ts";

const HOUR_MS = 3_600_000;

test("createSystemClock() counts the time that the machine slept, and never goes back when the wall clock does", () => {
  const clock = createSystemClock();
  const before = clock.now();
  const wall = Date.now();
  // performance.now() goes on from where it stood, and the wall clock shows an hour more.
  const shows = vi.spyOn(Date, "now").mockReturnValue(wall + HOUR_MS);
  onTestFinished(() => shows.mockRestore());
  const awake = clock.now();
  expect(awake - before).toBeGreaterThan(HOUR_MS - 2);
  shows.mockReturnValue(wall - HOUR_MS);
  expect(clock.now()).toBeGreaterThanOrEqual(awake);
});
