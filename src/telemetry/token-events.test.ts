import { metrics } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tokenHeld, tokenRenewalFailed, tokenRenewed } from "./token-events.ts";

class Reader extends MetricReader {
  protected async onShutdown(): Promise<void> {}
  protected async onForceFlush(): Promise<void> {}
}

let reader: Reader;
beforeEach(() => {
  reader = new Reader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
});
afterEach(async () => {
  await reader.shutdown();
  metrics.disable();
});

async function read(name: string) {
  const { resourceMetrics } = await reader.collect();
  const found = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics).find((m) => m.descriptor.name === name);
  return found?.dataPoints.map(({ attributes, value }) => ({ ...attributes, value })) ?? [];
}

const token = (credential: string, access: number | undefined, refresh?: number) => ({
  credential,
  accessEndsIn: () => access,
  refreshEndsIn: () => refresh,
});

test("the gauge tells when the first token of each kind ends, and 0 when nobody holds one any more", async () => {
  const releases = [
    tokenHeld(token("jwt", 3000)),
    tokenHeld(token("jwt", 600)),
    tokenHeld(token("jwt", -5)),
    tokenHeld(token("jwt", undefined)),
    tokenHeld(token("refresh_token", 900, 86_400)),
  ];
  expect(await read("availability.token.expires_in")).toEqual([
    { credential: "jwt", token: "access", value: 600 },
    { credential: "refresh_token", token: "access", value: 900 },
    { credential: "refresh_token", token: "refresh", value: 86_400 },
  ]);
  for (const release of releases) release();
  expect((await read("availability.token.expires_in")).map(({ value }) => value)).toEqual([0, 0, 0]);
});

test("renewals are counted by kind of credential and outcome, and by nothing that there are many of", async () => {
  const connection = "con-1";
  tokenRenewed({ connection, credential: "jwt", grant: "jwt", expiresAt: 0, refreshExpiresAt: undefined });
  const failed = { connection, credential: "jwt", grant: undefined, message: "x", until: 0 };
  tokenRenewalFailed({ ...failed, reason: "UPSTREAM_TIMEOUT" });
  expect(await read("availability.token.renewals")).toEqual([
    { credential: "jwt", outcome: "OK", value: 1 },
    { credential: "jwt", outcome: "UPSTREAM_TIMEOUT", value: 1 },
  ]);
});
