import { clone, create, toBinary } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { AgentCount, Condition, RegexType, Scope } from "../../gen/availability/v1/acceptance_pb.ts";
import {
  type Destination,
  DestinationSchema,
  FreshnessPolicySchema,
  OnUndecided,
  PresenceDetail,
} from "../../gen/availability/v1/destination_pb.ts";
import type { ServiceError } from "../lib/errors.ts";
import {
  bearer,
  destinationOf,
  newDestination,
  OTHER_TOKEN,
  PLATFORM,
  SIMULATOR,
  startDestinations,
  TOKEN,
} from "./test-destinations.ts";

type Service = Awaited<ReturnType<typeof startDestinations>>;
let service: Service;
beforeEach(async () => {
  service = await startDestinations();
});

async function failureOf(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    () => expect.unreachable("the call succeeded"),
    (error) => error,
  );
}

async function contentOf({ store }: Service) {
  return (await store.list("")).map(({ key, value, revision }) => `${key} ${revision} ${Buffer.from(value)}`);
}

describe("configure()", () => {
  test("counts revisions from 1 and on when a destination changes", async () => {
    const first = await service.configure(newDestination());
    const second = await service.configure(destinationOf({ displayName: "Sales" }));
    const third = await service.configure(destinationOf({ displayName: "Sales", disabled: true }));
    expect([first, second, third].map(({ destination }) => destination.revision)).toEqual([1n, 2n, 3n]);
    expect(service.registry.get("sales")).toMatchObject({ revision: 3n, disabled: true });
  });

  test("counts on over Delete when a destination of that id is made again", async () => {
    await service.configure(newDestination());
    await service.configure(destinationOf({ disabled: true }));
    await service.remove("sales");
    expect(service.registry.get("sales")).toBeUndefined();
    expect((await service.configure(newDestination())).destination.revision).toBe(3n);
    await service.remove("sales");
    await service.clock.advance(1000);
    const again = await service.configure(newDestination());
    expect(again.destination.revision).toBe(4n);
    expect(timestampMs(again.destination.createTime!)).toBe(service.clock.now());
  });

  test("counts on over Delete and a restart", async () => {
    await service.configure(newDestination());
    await service.remove("sales");
    const restarted = await startDestinations({ store: service.store });
    expect(restarted.registry.get("sales")).toBeUndefined();
    expect((await restarted.configure(newDestination())).destination.revision).toBe(2n);
  });

  test("keeps the time of creation and renews that of the update when a destination changes", async () => {
    const started = service.clock.now();
    await service.configure(newDestination());
    await service.clock.advance(60_000);
    const { destination } = await service.configure(destinationOf({ disabled: true }));
    expect(timestampMs(destination.createTime!)).toBe(started);
    expect(timestampMs(destination.updateTime!)).toBe(started + 60_000);
  });

  test("replaces the whole destination: what is left out is unset", async () => {
    await service.configure(newDestination({ displayName: "Sales", labels: { team: "a" }, timeout: { seconds: 2n } }));
    const { destination } = await service.configure(destinationOf());
    expect(destination).toMatchObject({ displayName: "", labels: {} });
    expect(destination.timeout).toBeUndefined();
  });

  test("ignores output-only fields when a destination that was read is given back", async () => {
    const { destination } = await service.configure(newDestination());
    const given = clone(DestinationSchema, destination);
    given.revision = 77n;
    given.createTime = given.updateTime = { ...given.createTime!, seconds: 1n };
    expect((await service.configure(given)).destination).toEqual(destination);
  });

  test("refuses a request without a destination", async () => {
    const { code, violations } = await failureOf(service.configure(undefined));
    expect(code).toBe("INVALID_ARGUMENT");
    expect(violations).toEqual([
      { field: "destination", reason: "REQUIRED", description: "is absent, expected a destination" },
    ]);
  });

  test("refuses with every violation, the credential's too, and stores nothing when much is wrong", async () => {
    const before = await contentOf(service);
    const { code, violations, message } = await failureOf(
      service.configure(destinationOf({ id: "a b" }, { callQueueId: "x" })),
    );
    expect(code).toBe("INVALID_ARGUMENT");
    expect(violations.map((v) => `${v.field} ${v.reason}`)).toEqual([
      "destination.id INVALID_FORMAT",
      "destination.ring_central.call_queue_id INVALID_FORMAT",
      "destination.ring_central.credential REQUIRED",
    ]);
    expect(message).toMatch(
      /^Cannot configure destination "a b": destination\.id is "a b", expected .* \(and 2 more\)$/,
    );
    expect(await contentOf(service)).toEqual(before);
  });

  test("rejects with UNAVAILABLE when the store is down", async () => {
    await service.store.close();
    expect(await failureOf(service.configure(newDestination()))).toMatchObject({ code: "UNAVAILABLE" });
  });
});

describe("configure() with validate_only", () => {
  test("answers as if it were stored, and stores and tells nothing", async () => {
    const real = await startDestinations();
    const options = { validateOnly: true };
    expect(await service.configure(newDestination(), options)).toEqual(await real.configure(newDestination()));
    expect(await contentOf(service)).toEqual([]);
    expect(service.events).toEqual([]);
    await service.configure(newDestination());
    const before = await contentOf(service);
    const { destination } = await service.configure(destinationOf({ disabled: true }), options);
    expect(destination).toMatchObject({ revision: 2n, disabled: true });
    expect(await contentOf(service)).toEqual(before);
    expect(service.registry.get("sales")).toMatchObject({ revision: 1n, disabled: false });
  });

  test("checks everything all the same", async () => {
    const options = { validateOnly: true };
    expect(await failureOf(service.configure(destinationOf(), options))).toMatchObject({ code: "INVALID_ARGUMENT" });
    const asked = service.configure(newDestination(), { ...options, expectedRevision: 1n });
    expect(await failureOf(asked)).toMatchObject({ code: "ABORTED" });
    expect((await service.configure(newDestination(), { ...options, expectedRevision: 0n })).destination.revision).toBe(
      1n,
    );
  });
});

describe("configure() with expected_revision", () => {
  test.each([[undefined], [0n]])("makes a new destination when it is %s", async (expectedRevision) => {
    const { destination } = await service.configure(newDestination(), { expectedRevision });
    expect(destination.revision).toBe(1n);
  });

  test.each([[1n], [-1n], [2n ** 63n - 1n]])("is ABORTED when it is %s and there is none", async (expectedRevision) => {
    const error = await failureOf(service.configure(newDestination(), { expectedRevision }));
    expect(error).toMatchObject({ code: "ABORTED", metadata: { current_revision: "0" } });
    expect(error.message).toBe(`Cannot configure destination "sales": its revision is 0, expected ${expectedRevision}`);
    expect(await contentOf(service)).toEqual([]);
  });

  test("replaces when it is equal, and is ABORTED with the current one when it is any other", async () => {
    await service.configure(newDestination());
    await service.configure(destinationOf({ disabled: true }), { expectedRevision: 1n });
    const before = await contentOf(service);
    for (const expectedRevision of [0n, 1n, 3n, -2n]) {
      const error = await failureOf(service.configure(destinationOf({ displayName: "x" }), { expectedRevision }));
      expect(error).toMatchObject({ code: "ABORTED", metadata: { current_revision: "2" } });
    }
    expect(await contentOf(service)).toEqual(before);
    await service.configure(destinationOf({ displayName: "x" }), { expectedRevision: 2n });
  });

  test("is ABORTED when it is another and the destination is equal", async () => {
    await service.configure(newDestination());
    const error = await failureOf(service.configure(destinationOf(), { expectedRevision: 2n }));
    expect(error).toMatchObject({ code: "ABORTED", metadata: { current_revision: "1" } });
  });

  test("takes 0 for a deleted destination, whose last revision is no longer a current one", async () => {
    await service.configure(newDestination());
    await service.remove("sales");
    const error = await failureOf(service.configure(newDestination(), { expectedRevision: 1n }));
    expect(error).toMatchObject({ code: "ABORTED", metadata: { current_revision: "0" } });
    const { destination } = await service.configure(newDestination(), { expectedRevision: 0n });
    expect(destination.revision).toBe(2n);
  });

  test("is ABORTED, not refused, when the missing credential is only missing beside what others stored", async () => {
    await service.configure(newDestination());
    await service.configure(newDestination({}, { serverUrl: SIMULATOR }));
    const error = await failureOf(service.configure(destinationOf({ disabled: true }), { expectedRevision: 1n }));
    expect(error).toMatchObject({ code: "ABORTED", metadata: { current_revision: "2" } });
  });

  test("is refused with the violations when it is another and the destination is wrong by itself", async () => {
    const error = await failureOf(service.configure(newDestination({ id: "" }), { expectedRevision: 9n }));
    expect(error.code).toBe("INVALID_ARGUMENT");
  });
});

describe("configure() of an equal destination", () => {
  const full = () =>
    newDestination({
      displayName: "Sales",
      labels: { b: "2", a: "1" },
      timeout: { seconds: 1n },
      acceptance: { criterion: { case: "agents", value: {} }, value: 2 },
      failure: { onUndecided: OnUndecided.REJECT },
    });

  test("writes nothing, tells nothing and keeps revision and times", async () => {
    const first = await service.configure(full());
    const put = vi.spyOn(service.store, "put");
    const before = await contentOf(service);
    await service.clock.advance(1000);
    const reordered = full();
    reordered.labels = { a: "1", b: "2" };
    const withoutCredential = full();
    if (withoutCredential.template.case === "ringCentral")
      withoutCredential.template.value.access = { case: undefined };
    for (const again of [full(), reordered, withoutCredential, first.destination]) {
      expect(await service.configure(again, { expectedRevision: 1n })).toEqual(first);
    }
    expect(put).not.toHaveBeenCalled();
    expect(await contentOf(service)).toEqual(before);
    expect(service.events).toEqual(["sales 1"]);
  });

  test.each<[string, (destination: Destination) => unknown]>([
    ["display_name", (d) => (d.displayName = "x")],
    ["labels", (d) => (d.labels.c = "3")],
    ["disabled", (d) => (d.disabled = true)],
    ["timeout", (d) => (d.timeout = undefined)],
    ["acceptance", (d) => (d.acceptance!.condition = Condition.EQUAL)],
    ["value, from unset to its default", (d) => (d.acceptance!.value = 0)],
    ["freshness", (d) => (d.freshness = create(FreshnessPolicySchema))],
    ["failure", (d) => (d.failure!.onUndecided = OnUndecided.ACCEPT)],
    ["the credential", (d) => Object.assign(d.template.value!, bearer(OTHER_TOKEN))],
    ["only_extensions", (d) => Object.assign(d.template.value!, { onlyExtensions: ["1"] })],
  ])("is not one when %s differs", async (_, change) => {
    await service.configure(full());
    const other = full();
    change(other);
    expect((await service.configure(other)).destination.revision).toBe(2n);
  });
});

describe("what configure() answers", () => {
  test("effective has every default filled in", async () => {
    const { effective, destination } = await service.configure(newDestination());
    expect(destination).toMatchObject({ id: "sales" });
    expect([destination.timeout, destination.freshness, destination.failure, destination.acceptance]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(effective).toMatchObject({
      id: "sales",
      timeout: { seconds: 10n, nanos: 0 },
      freshness: { maxAge: { seconds: 10n } },
      failure: { onUndecided: OnUndecided.LAST_KNOWN, lastKnownLimit: { seconds: 30n } },
      acceptance: {
        criterion: {
          case: "regex",
          value: { type: RegexType.COUNT, scope: Scope.RECORDS, pattern: '"acceptCurrentQueueCalls": true' },
        },
        condition: Condition.GREATER_THAN,
        value: 0,
      },
      template: {
        case: "ringCentral",
        value: { accountId: "~", callQueueId: "400123", serverUrl: PLATFORM, presenceDetail: PresenceDetail.QUEUE },
      },
      revision: 1n,
    });
  });

  test("effective shows the detail that the criteria need", async () => {
    const criterion = { case: "agents", value: { count: AgentCount.ON_CALL } } as const;
    const { destination, effective } = await service.configure(newDestination({ acceptance: { criterion } }));
    expect(destination.template.value).toMatchObject({ presenceDetail: PresenceDetail.UNSPECIFIED });
    expect(effective.template.value).toMatchObject({ presenceDetail: PresenceDetail.QUEUE_AND_EXTENSION });
  });

  test("effective keeps what was given, and is a destination that compiles to the same", async () => {
    const agents = {
      criterion: { case: "agents", value: { count: AgentCount.TOTAL } },
      condition: Condition.EQUAL,
      value: 3,
    } as const;
    const given = newDestination(
      {
        timeout: { nanos: 64_000_002 },
        freshness: { maxAge: { nanos: 1 } },
        failure: { onUndecided: OnUndecided.ACCEPT, lastKnownLimit: { seconds: 1n, nanos: 3 } },
        acceptance: agents,
      },
      { serverUrl: `${SIMULATOR}/`, accountId: "7", onlyExtensions: ["102", "101", "102"] },
    );
    const answer = await service.configure(given);
    expect(answer.effective).toMatchObject({
      timeout: { seconds: 0n, nanos: 64_000_002 },
      freshness: { maxAge: { nanos: 1 } },
      failure: { onUndecided: OnUndecided.ACCEPT, lastKnownLimit: { seconds: 1n, nanos: 3 } },
      template: { value: { serverUrl: SIMULATOR, accountId: "7", onlyExtensions: ["101", "102"] } },
    });
    // Whatever durations were given, the answer can be sent.
    expect(() => toBinary(DestinationSchema, answer.effective)).not.toThrow();
    const again = await service.configure(answer.effective);
    expect(again.effective).toMatchObject({
      timeout: answer.effective.timeout,
      acceptance: answer.effective.acceptance,
    });
    expect(again.destination.revision).toBe(2n);
  });

  test("request is what will be sent, its token a placeholder", async () => {
    const { request } = await service.configure(newDestination({}, { accountId: "7" }));
    expect(request.method).toBe("GET");
    expect(request.url).toBe(`${PLATFORM}/restapi/v1.0/account/7/call-queues/400123/presence`);
    expect(Object.fromEntries(request.headers)).toMatchObject({ Authorization: "Bearer [token]" });
    expect(JSON.stringify(request)).not.toContain(TOKEN);
  });

  test("warnings are those of the criteria", async () => {
    const { warnings } = await service.configure(newDestination());
    expect(warnings.map((w) => w.reason)).toEqual(["COUNTS_DO_NOT_DISTURB"]);
    expect((await service.configure(destinationOf(), { validateOnly: true })).warnings).toEqual(warnings);
  });

  test("templateRevision moves when template or credential change, and only then", async () => {
    const steps: [Destination, bigint][] = [
      [newDestination(), 1n],
      [destinationOf({ disabled: true, timeout: { seconds: 1n } }), 1n],
      [destinationOf({}, { onlyExtensions: ["101"] }), 3n],
      [destinationOf({ labels: { a: "b" } }, { onlyExtensions: ["101"] }), 3n],
      [destinationOf({}, { ...bearer(OTHER_TOKEN), onlyExtensions: ["101"] }), 5n],
      [destinationOf({}, { ...bearer(OTHER_TOKEN), callQueueId: "400124" }), 6n],
      [destinationOf({ displayName: "x" }, { ...bearer(OTHER_TOKEN), callQueueId: "400124" }), 6n],
    ];
    for (const [given, templateRevision] of steps) {
      await service.configure(given);
      expect(service.registry.get("sales")).toMatchObject({ templateRevision });
    }
  });
});

describe("remove()", () => {
  test("is NOT_FOUND when there is no such destination, or none any more", async () => {
    expect(await failureOf(service.remove("sales"))).toMatchObject({
      code: "NOT_FOUND",
      message: 'Cannot delete destination "sales": it does not exist',
    });
    await service.configure(newDestination());
    await service.remove("sales");
    expect(await failureOf(service.remove("sales"))).toMatchObject({ code: "NOT_FOUND" });
    expect(service.events).toEqual(["sales 1", "sales deleted"]);
  });

  test("leaves nothing but the last revision", async () => {
    await service.configure(newDestination({ displayName: "Sales" }));
    await service.remove("sales");
    expect(await contentOf(service)).toEqual(['destinations/sales 2 {"format":1,"deletedRevision":"1"}']);
  });
});
