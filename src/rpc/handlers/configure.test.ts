import { randomBytes } from "node:crypto";
import { Code, type ConnectError } from "@connectrpc/connect";
import { expect, test } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../../gen/google/rpc/error_details_pb.ts";
import { createConfigure } from "../../destinations/configure.ts";
import {
  bearer,
  destinationOf,
  newDestination,
  OTHER_TOKEN,
  startDestinations,
  TOKEN,
} from "../../destinations/test-destinations.ts";
import { fingerprint } from "../../ringcentral/identity.ts";
import { clientsOf } from "./test-client.ts";

async function start() {
  const key = randomBytes(32);
  const service = await startDestinations({ fingerprint: (access) => fingerprint(key, access) });
  const { availability } = clientsOf({ configure: createConfigure(service) });
  return { ...service, configure: availability.configure };
}

const failureOf = (call: Promise<unknown>): Promise<ConnectError> =>
  call.then(
    () => expect.unreachable("the call succeeded"),
    (error) => error,
  );

test("configure() answers with the destination, its effective form, the request and the warnings", async () => {
  const { configure, registry } = await start();
  const answer = await configure({ destination: newDestination({ timeout: { nanos: 64_000_002 } }) });
  expect(answer.destination).toEqual(registry.get("sales")?.message);
  expect(answer.effective).toMatchObject({ timeout: { seconds: 0n, nanos: 64_000_002 }, revision: 1n });
  expect(answer.request).toMatchObject({
    method: "GET",
    url: "https://platform.ringcentral.com/restapi/v1.0/account/~/call-queues/400123/presence",
  });
  expect(answer.request?.headers).toContainEqual(
    expect.objectContaining({ name: "Authorization", value: "Bearer [token]" }),
  );
  expect(answer.warnings).toMatchObject([
    { field: "destination.acceptance.regex.pattern", reason: "COUNTS_DO_NOT_DISTURB", description: expect.any(String) },
  ]);
});

test("configure() hands on validate_only and expected_revision", async () => {
  const { configure, registry } = await start();
  await configure({ destination: newDestination(), validateOnly: true });
  expect(registry.get("sales")).toBeUndefined();
  await configure({ destination: newDestination(), expectedRevision: 0n });
  const error = await failureOf(configure({ destination: destinationOf(), expectedRevision: 0n }));
  expect(error.code).toBe(Code.Aborted);
  expect(error.findDetails(ErrorInfoSchema)[0]).toMatchObject({
    domain: "availability.v1",
    metadata: { current_revision: "1" },
  });
});

test("configure() names every violation in google.rpc.BadRequest when much is wrong", async () => {
  const { configure } = await start();
  const destination = destinationOf({ id: "-", schedule: {} }, { callQueueId: "x" });
  const error = await failureOf(configure({ destination }));
  expect(error.code).toBe(Code.InvalidArgument);
  const violations = error.findDetails(BadRequestSchema)[0]?.fieldViolations ?? [];
  expect(violations.map(({ field, reason }) => `${field} ${reason}`)).toEqual([
    "destination.id INVALID_FORMAT",
    "destination.schedule.time_zone REQUIRED",
    "destination.schedule.weekly_ranges REQUIRED",
    "destination.ring_central.call_queue_id INVALID_FORMAT",
    "destination.ring_central.credential REQUIRED",
  ]);
  expect((await failureOf(configure({}))).findDetails(BadRequestSchema)[0]?.fieldViolations).toMatchObject([
    { field: "destination", reason: "REQUIRED" },
  ]);
});

test("configure() shows a fingerprint that tells credentials apart and gives nothing away", async () => {
  const { configure } = await start();
  const shown = async (token: string) => {
    const { destination } = await configure({ destination: newDestination({}, bearer(token)) });
    const template = destination?.template;
    return template?.case === "ringCentral" ? template.value.credentialStatus?.fingerprint : undefined;
  };
  const [one, other, again] = [await shown(TOKEN), await shown(OTHER_TOKEN), await shown(`Bearer ${TOKEN}`)];
  expect(one).toMatch(/^[0-9a-f]{12}$/);
  expect(other).not.toBe(one);
  expect(again).toBe(one);
  // Under another key the same credential has another fingerprint: it is no hash that could be looked up.
  const elsewhere = await start();
  const { destination } = await elsewhere.configure({ destination: newDestination() });
  expect(JSON.stringify(destination?.template.value)).not.toContain(one);
});
