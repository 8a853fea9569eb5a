import { expect, test, vi } from "vitest";
import { createKeyring } from "../../lib/sealing.ts";
import { Secret } from "../../lib/secret.ts";
import { log } from "../../telemetry/log.ts";
import type { SavedShard } from "../push/push-recovery.ts";
import { createPushRecovery, forgetRecovery, keptRecoveries } from "./push-recovery-store.ts";
import { countingStore } from "./test-kept.ts";

const one = new Uint8Array(32).fill(1);
const two = new Uint8Array(32).fill(2);
const shard: SavedShard = {
  filters: [
    { filter: { kind: "queue", accountId: "~", queueId: "7" }, since: 1_000.25 },
    { filter: { kind: "extension", accountId: "~", extensionId: "5" }, since: 1_000.25 },
    { filter: { kind: "account", accountId: "5" }, since: undefined },
  ],
  wsc: { token: new Secret("s3ssion"), sequence: 4 },
  aliveAt: 2_000.5,
  resumableForMs: 180_000,
  expiresAt: undefined,
};

function world() {
  const counted = countingStore();
  const presence = { safe: true, flush: vi.fn(async () => true) };
  const recovery = (keys = [one], connection = "con-1") =>
    createPushRecovery({ store: counted.store, keyring: createKeyring(keys), connection, presence });
  return { ...counted, presence, recovery };
}

test("what resumes push is kept sealed, and comes back as it was", async () => {
  const { store, recovery } = world();
  expect(await recovery().load()).toEqual([]);
  await recovery().save([shard, { ...shard, expiresAt: 3_000 }]);
  const back = await recovery().load();
  expect(back).toEqual([shard, { ...shard, expiresAt: 3_000 }]);
  expect(back.map(({ wsc }) => wsc.token.reveal())).toEqual(["s3ssion", "s3ssion"]);
  const [entry] = await store.list("");
  expect(entry?.key).toBe("push/con-1");
  expect(Buffer.from(entry!.value).toString()).toMatch(/^aes256gcm:/);
  expect(await keptRecoveries(store)).toEqual(["con-1"]);
  await forgetRecovery(store, "con-1");
  expect(await keptRecoveries(store)).toEqual([]);
});

test("save() has what push told written first, and saves nothing when it is not", async () => {
  const { presence, recovery, writes } = world();
  const { save } = recovery();
  presence.flush.mockImplementation(async () => {
    expect(writes).toEqual([]);
    return true;
  });
  await save([shard]);
  expect(writes.splice(0)).toEqual(["put push/con-1"]);
  presence.flush.mockResolvedValue(false);
  await save([{ ...shard, aliveAt: 2_001 }]);
  expect(writes).toEqual([]);
});

test("save() writes nothing that is there", async () => {
  const { recovery, writes } = world();
  const { save } = recovery();
  await save([shard]);
  await save([{ ...shard }]);
  expect(writes).toEqual(["put push/con-1"]);
  await save([]);
  expect([writes.length, await recovery().load()]).toEqual([2, []]);
});

test("load() gives nothing when what was kept of presence is not whole", async () => {
  const { presence, recovery } = world();
  await recovery().save([shard]);
  expect(await recovery().load()).toEqual([shard]);
  presence.safe = false;
  expect(await recovery().load()).toEqual([]);
});

test("load() seals again what an older key sealed, and does without what it cannot open", async () => {
  const warn = vi.spyOn(log, "warn").mockReturnValue();
  const { store, recovery } = world();
  await recovery([one]).save([shard]);
  expect(await recovery([two, one]).load()).toEqual([shard]);
  expect(await recovery([two]).load()).toEqual([shard]);
  expect(warn).not.toHaveBeenCalled();
  expect(await recovery([one]).load()).toEqual([]);
  await store.put("push/con-2", (await store.get("push/con-1"))!.value);
  expect(await recovery([two], "con-2").load()).toEqual([]);
  await store.put("push/con-1", Buffer.from("nonsense"));
  expect(await recovery([two]).load()).toEqual([]);
  expect(warn).toHaveBeenCalledTimes(3);
  warn.mockRestore();
});

test("trouble of the store is told once, and stops nobody", async () => {
  const error = vi.spyOn(log, "error").mockReturnValue();
  const { control, recovery } = world();
  const { save } = recovery();
  control.failing = true;
  await save([shard]);
  await save([shard]);
  expect(error).toHaveBeenCalledTimes(1);
  control.failing = false;
  await save([shard]);
  expect(await recovery().load()).toEqual([shard]);
  error.mockRestore();
});
