import { expect, test } from "vitest";
import { Secret } from "../../lib/secret.ts";
import { createPastedToken } from "./pasted-token.ts";

test("createPastedToken() has one token, also when it was refused or the time is up", async () => {
  const token = new Secret("t0ken");
  const source = createPastedToken(token);
  expect(source.refuse(token)).toBe(false);
  expect(await source.get(AbortSignal.abort())).toEqual({ ok: true, token });
  expect(source.status.expiresAt).toBeUndefined();
});
