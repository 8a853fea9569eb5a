import { expect, test } from "vitest";
import { parseDocument } from "../acceptance/document.ts";
import { Secret } from "../lib/secret.ts";
import { connectionSource } from "../ringcentral/connection-source.ts";
import { questionOf } from "../ringcentral/question.ts";
import { startPresence } from "./test-presence.ts";
import { light } from "./test-reader.ts";

const origin = "https://platform.ringcentral.com";
const access = { kind: "bearer_token", token: new Secret("t0ken") } as const;
const queue = { origin, accountId: "~", queueId: "1", onlyExtensions: [] };
const joined = questionOf(queue, "QUEUE_AND_EXTENSION", connectionSource(new Uint8Array(32), origin, access));
const answer = parseDocument('{"records":[{"member":{"id":"5"},"acceptCurrentQueueCalls":true}]}');

/** A joined read whose first call took the last of the limit, so that a further one has to wait for a minute. */
async function halfRead() {
  const started = startPresence();
  const { clock, reader, asked, ask } = started;
  const reads = asked(joined);
  const [patient, hasty] = [90_000, 5_000].map((waitMs) => ask(reads, { maxAgeMs: 10_000, timeoutMs: 90_000, waitMs }));
  await clock.advance(0);
  if (answer.ok) reader.last.answer(answer.document, light(1, 0));
  await clock.advance(0);
  // The account's presence is not to be had for what is left of another limit.
  reader.last.fail("UPSTREAM_PERMISSION_DENIED");
  await clock.advance(0);
  return { ...started, reads, patient: patient!, hasty: hasty! };
}

test("waitsUntil tells that the extensions of a joined read wait for the budget", async () => {
  const { clock, start, reader, reads, patient } = await halfRead();
  expect([reader.count, reads.waitsUntil]).toEqual([2, start + 60_000]);
  await clock.advance(60_000);
  expect([reader.count, reads.waitsUntil, patient.outcome]).toEqual([3, 0, undefined]);
});

test("who cannot wait so long is refused at once, whether he asked before it was known or after", async () => {
  const { clock, start, reads, ask, hasty, patient } = await halfRead();
  const refused = { ok: false, trouble: { failure: { reason: "UPSTREAM_RATE_LIMITED" }, until: start + 60_000 } };
  expect(hasty.outcome).toMatchObject(refused);
  const later = ask(reads, { maxAgeMs: 10_000, timeoutMs: 90_000, waitMs: 5_000 });
  await clock.advance(0);
  expect(later.outcome).toMatchObject(refused);
  expect(patient.outcome).toBeUndefined();
});
