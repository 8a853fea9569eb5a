import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { request } from "undici";
import { afterEach, expect, test } from "vitest";

let child: ChildProcess | undefined;

afterEach(() => child?.kill("SIGKILL"));

function run(...args: string[]) {
  child = spawn(process.execPath, [`${import.meta.dirname}/main.ts`, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  return { child, exit: once(child, "exit"), stderr: text(child.stderr!), lines: createInterface(child.stdout!) };
}

test("main.ts prints its origin, is controlled over HTTP and exits 0 when it gets SIGTERM", async () => {
  const { child, exit, lines } = run(
    "--token",
    "t0",
    "--queues",
    "3",
    "--agents",
    "9",
    "--interval",
    "0",
    "--seed",
    "4",
  );
  const [line] = await once(lines, "line");
  const { origin, queues } = JSON.parse(line);
  expect(queues).toHaveLength(3);
  const headers = { authorization: "Bearer t0" };
  const read = () => request(`${origin}/restapi/v1.0/account/~/call-queues/${queues[0]}/presence`, { headers });
  const post = async (what: string, body: unknown) => {
    const answer = await request(`${origin}/simulator/${what}`, { method: "POST", body: JSON.stringify(body) });
    return { status: answer.statusCode, body: (await answer.body.json()) as Record<string, unknown> };
  };

  expect(await post("faults", [{ kind: "internal-error" }])).toEqual({ status: 200, body: { left: 1 } });
  expect((await read()).statusCode).toBe(500);
  const changed = await post("agents", { queueId: queues[0], member: 0, acceptCurrentQueueCalls: false });
  expect(changed).toMatchObject({ status: 200, body: { optedOut: 1 } });
  const { records } = (await (await read()).body.json()) as { records: { acceptCurrentQueueCalls: boolean }[] };
  expect(records[0]?.acceptCurrentQueueCalls).toBe(false);

  expect(await post("faults", { kind: "flood" })).toMatchObject({ status: 400 });
  expect(await post("faults", [null])).toMatchObject({ status: 400 });
  expect(await post("faults", "nothing")).toMatchObject({ status: 400 });
  expect(await post("agents", { queueId: queues[0], member: 0, mood: "good" })).toMatchObject({ status: 400 });
  expect((await request(`${origin}/simulator/unheard-of`)).statusCode).toBe(404);
  const state = (await (await request(`${origin}/simulator/state`)).body.json()) as { queues: { truth: object }[] };
  expect(state.queues[0]?.truth).toMatchObject({ optedOut: 1 });
  const log = (await (await request(`${origin}/simulator/requests`)).body.json()) as { requests: object[] };
  expect(log.requests).toHaveLength(2);

  await post("faults", { kind: "hang" });
  const hanging = read().catch((error: Error) => error);
  child.kill("SIGTERM");
  expect(await exit).toEqual([0, null]);
  expect(await hanging).toBeInstanceOf(Error);
});

test("main.ts says what is wrong and how it is used when an argument is bad", async () => {
  for (const [flag, value] of [
    ["--layout", "yaml"],
    ["--limit", "few"],
    ["--port", "x"],
    ["--speed", "9"],
  ]) {
    const { exit, stderr } = run(flag!, value!);
    expect(await exit).toEqual([2, null]);
    expect(await stderr).toMatch(new RegExp(`${flag}[^]*Usage: `));
  }
});
