import { expect, test } from "vitest";
import { createAvailabilityClient } from "./availability-client.ts";
import { TestService } from "./test-service.ts";
import { TestWorld } from "./test-world.ts";

const DRIFT_PPM = 500;

test.each([
  { name: "as fast as the local one", skew: 0 },
  { name: "as much faster as is allowed", skew: 1 },
  { name: "as much slower", skew: -1 },
])(
  "smallestMaxAgeMs can always be met by what each heartbeat confirms, with a server's clock $name",
  async ({ skew }) => {
    const world = new TestWorld();
    const service = new TestService(world, 1 + (skew * DRIFT_PPM) / 1e6);
    // Each way takes up to a tenth of a second.
    service.network.slownessMs = 100;
    service.pushing = true;
    const ids = Array.from({ length: 20 }, (_, index) => `queue-${index}`);
    for (const id of ids) service.change(id, { observedAt: service.now });
    const client = createAvailabilityClient({ transport: service.server.transport, clock: world.clock() });
    await world.advance(2000);
    const { smallestMaxAgeMs } = client;
    for (let part = 0; part < 2000; part++) {
      await world.advance(45);
      for (const id of ids) expect(client.check(id, { maxAgeMs: smallestMaxAgeMs })).not.toBeInstanceOf(Promise);
    }
    // A minute and a half of one Watch, and some that asked for the time.
    expect(service.server.watches.filter(({ request }) => !request.passive).length).toBe(1);
    expect(service.server.watches.length).toBeGreaterThan(3);
    client.close();
  },
);
