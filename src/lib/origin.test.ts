import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseOrigin } from "./origin.ts";

describe("parseOrigin()", () => {
  test.each([
    ["https://platform.ringcentral.com", "https://platform.ringcentral.com"],
    ["https://platform.ringcentral.com/", "https://platform.ringcentral.com"],
    ["HTTPS://Platform.RingCentral.com:443", "https://platform.ringcentral.com"],
    ["http://127.0.0.1:8081", "http://127.0.0.1:8081"],
    ["http://[::1]:8081", "http://[::1]:8081"],
    ["http://ring_central-simulator:80", "http://ring_central-simulator"],
  ])("gives the one spelling when %j is a bare origin", (text, origin) => {
    expect(parseOrigin(text)).toBe(origin);
  });

  test.each([
    "",
    "platform.ringcentral.com",
    "ftp://platform.ringcentral.com",
    "https://user@platform.ringcentral.com",
    "https://user:password@platform.ringcentral.com",
    "https://platform.ringcentral.com/restapi",
    "https://platform.ringcentral.com//",
    "https://platform.ringcentral.com?x=1",
    "https://platform.ringcentral.com#x",
    "https://platform.ringcentral.com\\@evil.example",
    "https://platform.ring\tcentral.com",
    " https://platform.ringcentral.com",
    "https://platform.ringcentral.com\n",
    "https://platform%2eringcentral.com",
    "https://plätform.example",
    "https://host:99999",
    "https://",
    "https:platform.ringcentral.com",
  ])("refuses when %j is not a bare origin", (text) => {
    expect(parseOrigin(text)).toBeUndefined();
  });

  test("gives only what is its own origin when anything comes in", () => {
    const text = fc.oneof(
      fc.string(),
      fc.webUrl(),
      fc.webAuthority().map((authority) => `https://${authority}`),
    );
    fc.assert(
      fc.property(text, (given) => {
        const origin = parseOrigin(given);
        if (origin !== undefined) expect(new URL(origin).origin).toBe(origin);
      }),
    );
  });
});
