import { describe, expect, test } from "vitest";
import { classify, NotAllowedError } from "./transport-error.ts";

const coded = (code: string) => Object.assign(new Error("secret details"), { code });

describe("classify()", () => {
  test.each([
    ["ENOTFOUND", "dns"],
    ["EAI_AGAIN", "dns"],
    ["ECONNREFUSED", "refused"],
    ["EHOSTUNREACH", "refused"],
    ["UND_ERR_CONNECT_TIMEOUT", "connect_timeout"],
    ["ETIMEDOUT", "connect_timeout"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "tls"],
    ["CERT_HAS_EXPIRED", "tls"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "tls"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "tls"],
    ["UND_ERR_RES_EXCEEDED_MAX_SIZE", "too_large"],
    ["UND_ERR_HEADERS_OVERFLOW", "malformed"],
    ["ECONNRESET", "reset"],
    ["EPIPE", "reset"],
    ["UND_ERR_SOCKET", "reset"],
    ["UNHEARD_OF", "reset"],
  ])("calls %s %s when nothing was answered", (code, kind) => {
    const error = classify(coded(code), false);
    expect(error.kind).toBe(kind);
    expect(error.state).not.toContain("secret details");
  });

  test("tells a connection closed within an answer from one closed before it", () => {
    expect(classify(coded("ECONNRESET"), true).kind).toBe("cut_off");
    expect(classify("no error at all", true).kind).toBe("cut_off");
    expect(classify(null, false).kind).toBe("reset");
  });

  test("names the origin when it is not allowed", () => {
    const error = classify(new NotAllowedError("https://evil.example"), false);
    expect(error).toEqual({ kind: "not_allowed", state: expect.stringContaining('"https://evil.example"') });
  });
});
