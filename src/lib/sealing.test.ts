import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKeyring, isSealedWithFirst, keyId, SealingError } from "./sealing.ts";
import { Secret } from "./secret.ts";

const key = randomBytes(32);
const keyring = createKeyring([key]);
const context = "destinations/sales#bearer_token";
const wellFormed = fc.string({ unit: "binary" }).filter((text) => text.isWellFormed());

function refusal(open: () => unknown): SealingError {
  try {
    open();
  } catch (error) {
    if (error instanceof SealingError) return error;
    throw error;
  }
  throw new Error("it was opened");
}

describe("createKeyring()", () => {
  test("open() gives back what seal() took, for any text and context", () => {
    fc.assert(
      fc.property(wellFormed, fc.string(), (text, place) => {
        expect(keyring.open(keyring.seal(new Secret(text), place), place).reveal()).toBe(text);
      }),
    );
  });

  test("open() refuses a sealed secret when any one bit of it is flipped", () => {
    fc.assert(
      fc.property(wellFormed, fc.nat(), fc.nat(7), (text, at, bit) => {
        const bytes = Buffer.from(keyring.seal(new Secret(text), context), "latin1");
        bytes[at % bytes.length]! ^= 1 << bit;
        const error = refusal(() => keyring.open(bytes.toString("latin1"), context));
        expect(["UNKNOWN_KEY", "NOT_AUTHENTIC", "MALFORMED"]).toContain(error.reason);
      }),
      { numRuns: 1000 },
    );
  });

  test("open() refuses a sealed secret when it is cut short", () => {
    const sealed = keyring.seal(new Secret("token"), context);
    for (let length = 0; length < sealed.length; length++) {
      expect(() => keyring.open(sealed.slice(0, length), context)).toThrow(SealingError);
    }
  });

  test("open() refuses a sealed secret when it was moved to another context", () => {
    const error = refusal(() =>
      keyring.open(keyring.seal(new Secret("token"), context), "destinations/mine#bearer_token"),
    );
    expect(error).toMatchObject({ reason: "NOT_AUTHENTIC", keyId: keyId(key) });
  });

  test("open() names the key when it is not among those given", () => {
    const other = createKeyring([randomBytes(32)]);
    const error = refusal(() => other.open(keyring.seal(new Secret("token"), context), context));
    expect(error).toMatchObject({
      reason: "UNKNOWN_KEY",
      keyId: keyId(key),
      message: `Cannot open sealed secret: key "${keyId(key)}" is not among the keys given`,
    });
  });

  test("seal() uses the first key and open() any when keys are rotated", () => {
    const next = randomBytes(32);
    const rotated = createKeyring([next, key]);
    expect(rotated.keyIds).toEqual([keyId(next), keyId(key)]);
    expect(rotated.open(keyring.seal(new Secret("old"), context), context).reveal()).toBe("old");
    expect(
      createKeyring([next])
        .open(rotated.seal(new Secret("new"), context), context)
        .reveal(),
    ).toBe("new");
  });

  test("seal() never gives the same text twice", () => {
    expect(keyring.seal(new Secret("token"), context)).not.toBe(keyring.seal(new Secret("token"), context));
  });

  test("seal() refuses text that UTF-8 cannot hold", () => {
    expect(() => keyring.seal(new Secret("\ud800"), context)).toThrow("not well-formed");
  });

  test("it refuses keys of another length, and none at all", () => {
    expect(() => createKeyring([randomBytes(16)])).toThrow("Cannot use key: it has 16 bytes, expected 32");
    expect(() => createKeyring([])).toThrow("Cannot create keyring: no key given");
    expect(createKeyring([key, Uint8Array.from(key)]).keyIds).toHaveLength(1);
  });

  test("isSealedWithFirst() tells what an older key sealed, and what is no sealed secret", () => {
    const [older, newer] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const both = createKeyring([newer, older]);
    const [first, second] = [both, createKeyring([older])].map((by) => by.seal(new Secret("token"), context));
    expect([first!, second!, "", "token"].map((text) => isSealedWithFirst(text, both))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test("keyId() is the first 8 hex digits of the SHA-256", () => {
    expect(keyId(new Uint8Array(32))).toBe("66687aad");
  });

  test("nothing that is printed shows a key or a secret", () => {
    const error = refusal(() => keyring.open(keyring.seal(new Secret("hush-hush"), "a"), "b"));
    const printed =
      inspect([keyring, error, error.cause], { depth: 9, showHidden: true }) + JSON.stringify([keyring, error]);
    expect(printed).not.toContain("hush-hush");
    expect(printed.replace(/\s/g, "")).not.toContain(inspect(key).slice(8, 30).replace(/\s/g, ""));
  });
});
