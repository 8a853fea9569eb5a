import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createKeyring } from "../lib/sealing.ts";
import { Secret } from "../lib/secret.ts";
import { loadKeys, parseSecretsKey } from "./keys.ts";

const first = Buffer.alloc(32, 1);
const second = Buffer.alloc(32, 2);
const both = `${first.toString("base64")},${second.toString("base64")}`;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "keys-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("loadKeys()", () => {
  test("takes the keys of SECRETS_KEY in their order and touches no file", () => {
    const keyFilePath = join(directory, "secrets.key");
    const loaded = loadKeys({ secretsKey: new Secret(both), keyFilePath });
    expect(loaded).toEqual({ keys: [first, second], path: undefined, created: false });
    expect(readdirSync(directory)).toEqual([]);
  });

  test("reads the file that SECRETS_KEY names", () => {
    const path = join(directory, "mounted");
    writeFileSync(path, ` ${first.toString("base64")} ,\n${second.toString("base64")}\n`);
    expect(loadKeys({ secretsKey: new Secret(`file:${path}`) })).toEqual({
      keys: [first, second],
      path,
      created: false,
    });
  });

  test("refuses and makes nothing when the file that SECRETS_KEY names is missing", () => {
    const secretsKey = new Secret(`file:${join(directory, "none")}`);
    expect(() => loadKeys({ secretsKey, keyFilePath: join(directory, "secrets.key") })).toThrow(
      /^Cannot load keys to stored secrets: ENOENT/,
    );
    expect(readdirSync(directory)).toEqual([]);
  });

  test("makes a private key file at the first start and reads it at the next", () => {
    const path = join(directory, "made", "data", "secrets.key");
    const loaded = loadKeys({ keyFilePath: path });
    expect(loaded).toMatchObject({ path, created: true });
    expect(loaded.keys).toHaveLength(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "made", "data")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, "made", "data"))).toEqual(["secrets.key"]);
    const sealed = createKeyring(loaded.keys).seal(new Secret("token"), "here");

    const next = loadKeys({ keyFilePath: path });
    expect(next).toMatchObject({ path, created: false });
    expect(createKeyring(next.keys).open(sealed, "here").reveal()).toBe("token");
  });

  test("makes another key for every store", () => {
    const keys = ["a", "b"].map((name) => loadKeys({ keyFilePath: join(directory, name) }).keys);
    expect(keys[0]).not.toEqual(keys[1]);
  });

  test.each([
    ["empty", ""],
    ["cut short", first.toString("base64").slice(0, 20)],
    ["of something else", "-----BEGIN PRIVATE KEY-----\n"],
  ])("refuses a key file that is %s and leaves it as it is", (_, content) => {
    const keyFilePath = join(directory, "secrets.key");
    writeFileSync(keyFilePath, content);
    expect(() => loadKeys({ keyFilePath })).toThrow("holds no key at place 1; expected base64 of 32 bytes");
    expect(readFileSync(keyFilePath, "utf8")).toBe(content);
    expect(readdirSync(directory)).toEqual(["secrets.key"]);
  });

  test("refuses a path that cannot be a file", () => {
    mkdirSync(join(directory, "secrets.key"));
    expect(() => loadKeys({ keyFilePath: join(directory, "secrets.key") })).toThrow(/EISDIR/);
    writeFileSync(join(directory, "file"), "");
    expect(() => loadKeys({ keyFilePath: join(directory, "file", "secrets.key") })).toThrow(/^Cannot load keys/);
  });

  test("writes nothing when the key file is there, so it may be on a read-only disk", () => {
    const keyFilePath = join(directory, "secrets.key");
    writeFileSync(keyFilePath, both);
    utimesSync(directory, 1, 1);
    expect(loadKeys({ keyFilePath }).created).toBe(false);
    expect(statSync(directory).mtimeMs).toBe(1000);
  });

  test("makes no key file where stored secrets need another key, and names it", () => {
    const keyFilePath = join(directory, "secrets.key");
    const state = `there is neither SECRETS_KEY nor ${JSON.stringify(keyFilePath)}`;
    expect(() => loadKeys({ keyFilePath, sealedWith: ["0a1b2c3d"] })).toThrow(
      `Cannot load keys to stored secrets: they need the key "0a1b2c3d", and ${state}`,
    );
    expect(() => loadKeys({ keyFilePath, sealedWith: ["0a1b2c3d", "ffffffff"] })).toThrow(
      'they need the keys "0a1b2c3d", "ffffffff"',
    );
    expect(readdirSync(directory)).toEqual([]);
    expect(loadKeys({ keyFilePath, sealedWith: [] }).created).toBe(true);
    expect(loadKeys({ keyFilePath, sealedWith: ["0a1b2c3d"] }).created).toBe(false);
    expect(loadKeys({ secretsKey: new Secret(both), keyFilePath, sealedWith: ["0a1b2c3d"] }).keys).toHaveLength(2);
  });

  test("makes one key when many processes start for the first time at once", async () => {
    const path = join(directory, "secrets.key");
    const script = `
      import { readSync, writeSync } from "node:fs";
      import { loadKeys } from ${JSON.stringify(new URL("./keys.ts", import.meta.url).href)};
      writeSync(1, "ready");
      readSync(0, Buffer.alloc(1));
      const { keys, created } = loadKeys({ keyFilePath: ${JSON.stringify(path)} });
      console.log(JSON.stringify({ key: Buffer.from(keys[0]).toString("base64"), created }));`;
    const children = Array.from({ length: 4 }, () => spawn(process.execPath, ["--input-type=module", "-e", script]));
    await Promise.all(children.map((child) => once(child.stdout, "data")));
    const answers = children.map(async (child) => JSON.parse(await text(child.stdout)));
    for (const child of children) child.stdin.end("!");
    const loaded = await Promise.all(answers);
    expect(loaded.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(loaded.map(({ key }) => `${key}\n`))).toEqual(new Set([readFileSync(path, "utf8")]));
  });

  test("gives a key for this process only when there is no file", () => {
    const loaded = loadKeys({});
    expect(loaded).toMatchObject({ path: undefined, created: false });
    expect(loaded.keys).not.toEqual(loadKeys({}).keys);
  });

  test("throws UNAVAILABLE without the value when SECRETS_KEY is no key", () => {
    const secretsKey = new Secret("hunter2hunter2");
    expect(() => loadKeys({ secretsKey })).toThrow(expect.objectContaining({ code: "UNAVAILABLE" }));
    expect(() => loadKeys({ secretsKey })).not.toThrow(/hunter2/);
  });
});

describe("parseSecretsKey()", () => {
  const key = first.toString("base64");
  test.each([
    ["", 1],
    ["hunter2", 1],
    [`${key},`, 2],
    [`${key},,${key}`, 2],
    [`${key};${key}`, 1],
    [key.replace(/.$/, ""), 1],
    [`!${key}`, 1],
    [Buffer.alloc(31).toString("base64"), 1],
    [Buffer.alloc(33).toString("base64"), 1],
    [Buffer.alloc(32, 0xff).toString("base64url"), 1],
    [`${key},${Buffer.alloc(32).toString("hex")}`, 2],
  ])("refuses %j and says which place is wrong, never the value", (given, place) => {
    expect(parseSecretsKey(given)).toEqual({
      problem: `holds no key at place ${place}; expected base64 of 32 bytes, several separated by commas`,
    });
  });

  test("refuses a file without a name", () => {
    expect(parseSecretsKey("file:")).toEqual({ problem: 'names no file after "file:"' });
  });
});
