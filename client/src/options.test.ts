import { expect, test } from "vitest";
import { createAvailabilityClient, OptionsError } from "./availability-client.ts";
import { type AvailabilityClientOptions, settingsOf } from "./options.ts";
import { startTestServer } from "./test-server.ts";

const { transport } = startTestServer();

test("settingsOf() fills in defaults", () => {
  expect(settingsOf({ transport })).toMatchObject({
    query: { destinationIds: [], labelSelector: {}, heartbeatMs: 1000, passive: false },
    maxAgeMs: undefined,
    timeoutMs: 10_000,
    drift: 0.0005,
  });
});

test("settingsOf() states the smallest max age, which grows with the heartbeat interval and drift", () => {
  const smallest = (options: Partial<AvailabilityClientOptions>) =>
    settingsOf({ transport, ...options }).smallestMaxAgeMs;
  expect(smallest({})).toBe(1510);
  expect(smallest({ heartbeatIntervalMs: 5000 })).toBe(5510);
  expect(smallest({ clockDriftPpm: 0 })).toBe(1450);
  expect(settingsOf({ transport, maxAgeMs: 1510 }).maxAgeMs).toBe(1510);
});

test("createAvailabilityClient() refuses a max age below the smallest", () => {
  const create = () => createAvailabilityClient({ transport, maxAgeMs: 1509 });
  expect(create).toThrow(RangeError);
  expect(create).toThrow(
    "Cannot create the availability client: maxAgeMs is 1509, expected 1510 or more with a heartbeat interval of 1000 ms",
  );
});

test("createAvailabilityClient() names everything that is wrong at once", () => {
  const options = {
    transport: "http://localhost",
    destinationIds: ["fine", "not an id", 7],
    labelSelector: { region: 1 },
    heartbeatIntervalMs: 500,
    maxAgeMs: Number.NaN,
    timeoutMs: "10s",
    passive: "no",
    onStateChange: true,
    maxAge: 5000,
  } as unknown as AvailabilityClientOptions;
  let error: unknown;
  try {
    createAvailabilityClient(options);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(OptionsError);
  const { violations, message } = error as OptionsError;
  const id = "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$";
  expect(violations).toEqual([
    { field: "transport", given: '"http://localhost"', expected: "a Connect transport" },
    { field: "destinationIds[1]", given: '"not an id"', expected: id },
    { field: "destinationIds[2]", given: "7", expected: id },
    { field: "labelSelector.region", given: "1", expected: "a text" },
    { field: "labelSelector", given: '{"region":1}', expected: "none beside destinationIds" },
    { field: "passive", given: '"no"', expected: "true or false" },
    { field: "heartbeatIntervalMs", given: "500", expected: "a number from 1000 to 60000" },
    { field: "timeoutMs", given: '"10s"', expected: "a number from 1 to 2147483647" },
    { field: "maxAgeMs", given: "NaN", expected: "1510 or more with a heartbeat interval of 1000 ms" },
    { field: "onStateChange", given: "true", expected: "a function" },
    expect.objectContaining({ field: "maxAge", given: "no option" }),
  ]);
  for (const { field } of violations) expect(message).toContain(field);
});

test("settingsOf() refuses what is no list and no labels", () => {
  const options = { transport, destinationIds: "sales", labelSelector: null } as unknown as AvailabilityClientOptions;
  expect(() => settingsOf(options)).toThrow(
    'destinationIds is "sales", expected a list of ids; labelSelector is null, expected labels',
  );
});

test("settingsOf() refuses more destinations than a Watch takes", () => {
  const destinationIds = Array.from({ length: 501 }, (_, index) => `queue-${index}`);
  expect(() => settingsOf({ transport, destinationIds })).toThrow("destinationIds is 501 long, expected 500 at most");
});
