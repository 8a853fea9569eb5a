import { describe, expect, test } from "vitest";
import { createAllowList } from "./allow-list.ts";

describe("createAllowList()", () => {
  test("allows RingCentral's two platforms and nothing else when nothing is added", () => {
    const list = createAllowList();
    expect(list.origins).toEqual(["https://platform.ringcentral.com", "https://platform.ringcentral.biz"]);
    expect(list.allows("https://platform.ringcentral.com")).toBe(true);
    for (const other of [
      "http://platform.ringcentral.com",
      "https://platform.ringcentral.com.evil.example",
      "https://platform.ringcentral.com:8443",
      "https://ringcentral.com",
      "",
    ]) {
      expect(list.allows(other)).toBe(false);
    }
  });

  test("allows what is added, in its one spelling", () => {
    const list = createAllowList(["HTTP://Localhost:8081/", "https://proxy.example:443"]);
    expect(list.allows("http://localhost:8081")).toBe(true);
    expect(list.allows("https://proxy.example")).toBe(true);
    expect(list.allows("https://localhost:8081")).toBe(false);
  });

  test("allows WebSockets to RingCentral's gateways, whatever they are called, and to nobody who looks like them", () => {
    const list = createAllowList(["http://localhost:8081"]);
    for (const origin of [
      "https://ws-api.ringcentral.com",
      "https://ws-api.devtest.ringcentral.com",
      "https://ws.ringcentral.biz",
      "https://platform.ringcentral.com",
      "http://localhost:8081",
    ]) {
      expect([origin, list.allowsSocket(origin)]).toEqual([origin, true]);
    }
    for (const origin of [
      "http://ws-api.ringcentral.com",
      "https://ws-api.ringcentral.com:8443",
      "https://ringcentral.com",
      "https://evilringcentral.com",
      "https://ws.evil-ringcentral.com",
      "https://ws-api.ringcentral.com.evil.example",
      "https://ws-api.ringcentral.org",
      "https://localhost:8081",
    ]) {
      expect([origin, list.allowsSocket(origin)]).toEqual([origin, false]);
    }
    expect(list.allows("https://ws-api.ringcentral.com")).toBe(false);
  });

  test("throws when what is added is no bare origin", () => {
    expect(() => createAllowList(["https://user:hunter2@proxy.example"])).toThrow(/^Cannot allow .*bare origin$/);
  });
});
