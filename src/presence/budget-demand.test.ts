import { describe, expect, test } from "vitest";
import { Secret } from "../lib/secret.ts";
import { namedConnection } from "../ringcentral/connection-source.ts";
import { questionOf } from "../ringcentral/question.ts";
import { createPastedToken } from "../ringcentral/tokens/pasted-token.ts";
import type { TokenSource } from "../ringcentral/tokens/token-source.ts";
import { member, startPresence } from "./test-presence.ts";
import { agents, light, question } from "./test-reader.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const JWT = new Secret("a.b.c");

/** Presence whose limit is 10 a minute, so that 8 are for scheduled reads. */
async function start() {
  const started = startPresence({ push: true });
  const { clock, reader, ask, asked, presence } = started;
  reader.always = (read) => read.answer(agents(1), light(10, 9));
  const first = member();
  const reads = asked(question("0"), first);
  ask(reads);
  await clock.advance(0);
  presence.detach(reads, first);
  await clock.advance(MINUTE);
  return { ...started, connection: () => started.connections.get(question().source.key)! };
}

describe("the read interval", () => {
  test("is what the budget allows for all that is in demand, and four fifths of max_age where that is more", async () => {
    const { clock, asked } = await start();
    const [one, two] = [asked(question("1"), member(10 * SECOND)), asked(question("2"), member(100 * SECOND))];
    one.watch(1);
    expect(one.intervalMs).toBe(8 * SECOND);
    two.watch(1);
    expect([one.intervalMs, two.intervalMs]).toEqual([15 * SECOND, 80 * SECOND]);
    two.watch(-1);
    expect(one.intervalMs).toBe(8 * SECOND);
    // A Check's demand ends by the clock alone.
    asked(question("3")).touch();
    expect(one.intervalMs).toBe(15 * SECOND);
    await clock.advance(MINUTE + SECOND);
    expect(one.intervalMs).toBe(8 * SECOND);
  });

  test("counts what another credential asks apart", async () => {
    const { asked } = await start();
    const reads = asked(question("1"));
    reads.watch(1);
    asked(question("2", "other")).watch(1);
    expect(reads.intervalMs).toBe(8 * SECOND);
  });

  test("counts together what credentials ask of which it turns out that they are one user's", async () => {
    let ownerId: string | undefined;
    const pasted = createPastedToken(JWT);
    const tokens = (): TokenSource => ({
      get: (timeUp) => pasted.get(timeUp),
      refuse: (token) => pasted.refuse(token),
      close: () => pasted.close(),
      get status() {
        return { ...pasted.status, ownerId };
      },
    });
    const { asked, connections } = startPresence({ tokens });
    const questions = ["one", "other"].map((id, at) => {
      const access = { kind: "jwt", clientId: "app", clientSecret: undefined, grant: JWT } as const;
      const { queue, detail } = question(`${at}`);
      return questionOf({ ...queue, onlyExtensions: [] }, detail, namedConnection(id, queue.origin, access));
    });
    const [one] = questions.map((of) => {
      const reads = asked(of, member(SECOND));
      reads.watch(1);
      return reads;
    });
    const alone = one!.intervalMs;
    ownerId = "5";
    for (const { source } of questions) connections.get(source.key)!.renewed();
    expect(one!.intervalMs).toBe(2 * alone);
  });

  test("counts what push keeps current apart from what is read on its own time", async () => {
    const { clock, push, asked } = await start();
    push.begin("1", "2");
    const pushed = ["1", "2"].map((queue) => asked(question(queue)));
    const polled = asked(question("3"));
    for (const reads of [...pushed, polled]) reads.watch(1);
    await clock.advance(10 * SECOND);
    expect(polled.intervalMs).toBe(8 * SECOND);
    expect(pushed.map(({ intervalMs }) => intervalMs)).toEqual([5 * MINUTE, 5 * MINUTE]);
    push.end();
    await clock.advance(SECOND);
    expect(polled.intervalMs).toBe(22.5 * SECOND);
  });
});

describe("what is asked over a connection", () => {
  test("is told with how soon all in demand can be read, and with what to expect if everything were", async () => {
    const { presence, asked, connection } = await start();
    const reads = asked(question("1"), member(10 * SECOND));
    reads.watch(1);
    asked(question("1"), member(60 * SECOND));
    asked(question("2"), member(5 * SECOND));
    asked(question("3"), Object.assign(member(SECOND), { asking: false })).watch(1);
    const told = { destinationCount: 4, demandCount: 1, achievableAgeMs: 7.5 * SECOND };
    expect(presence.report(connection())).toMatchObject(told);
    // 6 reads a minute for the first queue and 12 for the second; 8 of 10 are for them.
    expect(presence.demandWarnings(reads, "field")).toMatchObject([
      { description: "2 queues at 5 s need 18 reads a minute, the limit is 10: expect 15 s without push" },
    ]);
  });

  test("leaves push aside, for the day it ends", async () => {
    const { clock, push, presence, asked, connection } = await start();
    push.begin("1");
    asked(question("1")).watch(1);
    await clock.advance(SECOND);
    expect(presence.report(connection()).achievableAgeMs).toBe(7.5 * SECOND);
  });

  test("is nothing when the last destination is gone", async () => {
    const { presence, asked, connection } = await start();
    const by = member();
    const reads = asked(question(), by);
    const over = connection();
    expect(presence.report(over).destinationCount).toBe(1);
    presence.detach(reads, by);
    expect(presence.report(over)).toMatchObject({ destinationCount: 0, achievableAgeMs: undefined });
  });
});
