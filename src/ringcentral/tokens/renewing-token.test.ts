import { describe, expect, test, vi } from "vitest";
import type { OAuthAccess } from "../../connections/credentials.ts";
import { Secret } from "../../lib/secret.ts";
import { settle, TestClock } from "../../lib/test-clock.ts";
import * as events from "../../telemetry/token-events.ts";
import type { UpstreamFailure } from "../../upstream/failure.ts";
import { RenewingToken } from "./renewing-token.ts";
import type { Issued } from "./token-answer.ts";
import type { Grant, TokenResult } from "./token-endpoint.ts";
import { tokenFailure } from "./token-errors.ts";
import type { TokenOutcome } from "./token-source.ts";
import type { TokenStore } from "./token-store.ts";

vi.mock("../../telemetry/token-events.ts", { spy: true });

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface World {
  readonly kind?: OAuthAccess["kind"];
  /** Whether answers carry refresh tokens. */
  readonly refreshes?: boolean;
  readonly stored?: Partial<Issued>;
  readonly unreadable?: boolean;
  readonly life?: number;
  readonly refreshLife?: number;
}

/** A token source over a token endpoint that answers when told to, and a store that can fail. */
function world(given: World = {}) {
  const { kind = "jwt", refreshes = false, stored, unreadable = false, life = HOUR, refreshLife = 7 * DAY } = given;
  vi.clearAllMocks();
  const clock = new TestClock();
  const asked: string[] = [];
  const answers: (() => TokenResult)[] = [];
  const order: string[] = [];
  let held: PromiseWithResolvers<void> | undefined;
  let number = 0;
  const issue = (more: Partial<Issued> = {}): Issued => {
    number++;
    return {
      accessToken: new Secret(`access-${number}`),
      issuedAt: clock.now(),
      expiresAt: clock.now() + life,
      refreshToken: refreshes ? new Secret(`refresh-${number}`) : undefined,
      refreshExpiresAt: refreshes ? clock.now() + refreshLife : undefined,
      scope: ["ReadPresence"],
      ownerId: "7",
      ...more,
    };
  };
  const ask = vi.fn<(grant: Grant) => Promise<TokenResult>>(async (grant) => {
    const presented = grant.kind === "client_credentials" ? grant.kind : `${grant.kind} ${grant.secret.reveal()}`;
    asked.push(presented);
    await held?.promise;
    return answers.shift()?.() ?? { ok: true, issued: issue() };
  });
  let kept: Issued | undefined = stored && issue(stored);
  const trouble = { load: unreadable, save: false };
  const saved: string[] = [];
  const store: TokenStore = {
    async load() {
      if (trouble.load) throw new Error("disk gone");
      return kept;
    },
    async save(issued) {
      await new Promise((resolve) => setImmediate(resolve));
      if (trouble.save) throw new Error("disk full");
      kept = issued;
      saved.push(issued.accessToken.reveal());
      order.push("saved");
    },
  };
  const grant = kind === "client_credentials" ? undefined : new Secret("configured");
  const access: OAuthAccess = { kind, clientId: "app", clientSecret: new Secret("s"), grant };
  const onRenewed = vi.fn<() => void>();
  const tokens = new RenewingToken({ access, ask, store, clock, connection: "con-1", random: () => 0.5, onRenewed });
  const forEver = new AbortController().signal;
  return {
    clock,
    tokens,
    asked,
    onRenewed,
    answers,
    saved,
    trouble,
    order,
    issue,
    kept: () => kept,
    hold() {
      held = Promise.withResolvers();
      return () => held?.resolve();
    },
    fails: (failure: UpstreamFailure, grantRefused = false) =>
      answers.push(() => ({ ok: false, failure, grantRefused })),
    async get(): Promise<string> {
      const outcome = await tokens.get(forEver);
      order.push("used");
      return outcome.ok ? outcome.token.reveal() : `${outcome.failure.reason} +${outcome.until - clock.now()}`;
    },
    refuse: (token: string) => tokens.refuse(new Secret(token)),
  };
}

const refused = tokenFailure("UPSTREAM_UNAUTHENTICATED", "refused");
const down = tokenFailure("UPSTREAM_UNAVAILABLE", "down");

describe("get()", () => {
  test("asks once for all who come at once, and gives the same token while it lives", async () => {
    const { tokens, get, asked, clock } = world();
    expect(await Promise.all(Array.from({ length: 50 }, get))).toEqual(Array(50).fill("access-1"));
    await clock.advance(HOUR / 2);
    expect(await get()).toBe("access-1");
    expect(asked).toEqual(["jwt configured"]);
    expect(tokens.status).toEqual({
      expiresAt: clock.now() + HOUR / 2,
      refreshExpiresAt: undefined,
      scope: ["ReadPresence"],
      ownerId: "7",
      failure: undefined,
    });
    tokens.close();
    expect(clock.pending).toBe(0);
  });

  test.each([
    ["client_credentials", "client_credentials"],
    ["refresh_token", "refresh_token configured"],
  ] as const)("presents what is configured when the credential is %s", async (kind, grant) => {
    const { get, asked } = world({ kind });
    await get();
    expect(asked).toEqual([grant]);
  });

  test("asks once for 50 whose token was refused, and never gives that one again", async () => {
    const { get, refuse, asked, tokens, onRenewed } = world();
    await get();
    const all = await Promise.all(
      Array.from({ length: 50 }, async () => {
        expect(refuse("access-1")).toBe(true);
        return await get();
      }),
    );
    expect(all).toEqual(Array(50).fill("access-2"));
    refuse("access-1");
    expect(await get()).toBe("access-2");
    expect(asked).toHaveLength(2);
    expect(onRenewed).toHaveBeenCalledTimes(2);
    refuse("access-2");
    expect(tokens.status.expiresAt).toBeUndefined();
  });

  test("does not give a refused token when RingCentral gives it again", async () => {
    const { get, refuse, asked, answers, issue } = world();
    await get();
    refuse("access-1");
    answers.push(() => ({ ok: true, issued: issue({ accessToken: new Secret("access-1") }) }));
    expect(await get()).toBe("UPSTREAM_BAD_RESPONSE +250");
    expect(asked).toHaveLength(2);
  });

  test("gives nobody a token that is about to end", async () => {
    const { get, clock, asked } = world();
    await get();
    // Used once only, so it is renewed once, at four fifths of its life.
    await clock.advance(HOUR);
    expect(asked).toHaveLength(2);
    await clock.advance(0.8 * HOUR - 20_001);
    expect(await get()).toBe("access-2");
    expect(asked).toHaveLength(2);
    await clock.advance(1);
    expect(await get()).toBe("access-3");
    await clock.advance(HOUR - 20_000);
    expect(await get()).toBe("access-4");
  });

  test("detaches a caller whose time is up, and no other", async () => {
    const { tokens, get, hold, asked } = world();
    const release = hold();
    const timeUp = new AbortController();
    const hurried = tokens.get(timeUp.signal);
    const patient = get();
    await settle();
    timeUp.abort();
    expect(await hurried).toMatchObject({ ok: false, failure: { reason: "UPSTREAM_TIMEOUT" } });
    release();
    expect(await patient).toBe("access-1");
    expect(await tokens.get(AbortSignal.abort())).toMatchObject({ ok: true });
    expect(asked).toHaveLength(1);
  });

  test("says that the service is stopping when it is closed", async () => {
    const { tokens, get, refuse } = world();
    tokens.close();
    expect(await get()).toBe("UPSTREAM_UNAVAILABLE +0");
    expect(refuse("x")).toBe(false);
  });
});

describe("a failure", () => {
  test.each([
    [refused, [10_000, 20_000, 40_000, 60_000, 60_000]],
    [down, [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]],
    [tokenFailure("UPSTREAM_RATE_LIMITED", "limited"), [60_000, 60_000]],
    [{ ...down, retryAfterMs: 7_000 }, [7_000, 7_000]],
  ])("answers everybody at once until it makes sense to ask again: %o", async (failure, waits) => {
    const { fails, get, clock, asked, tokens } = world();
    for (const [index, wait] of waits.entries()) {
      fails(failure);
      expect(await get()).toBe(`${failure.reason} +${wait}`);
      await clock.advance(wait - 1);
      expect(await Promise.all([get(), get()])).toEqual(Array(2).fill(`${failure.reason} +1`));
      expect(asked).toHaveLength(index + 1);
      await clock.advance(1);
    }
    expect(tokens.status.failure).toEqual(failure);
    expect(await get()).toBe("access-1");
    expect(tokens.status.failure).toBeUndefined();
    expect(vi.mocked(events.tokenRenewalFailed)).toHaveBeenCalledTimes(waits.length);
    expect(vi.mocked(events.tokenRenewed)).toHaveBeenCalledTimes(1);
  });

  test("waits as long as the budget says when that let nothing be sent", async () => {
    const { get, answers, clock } = world();
    const failure = tokenFailure("UPSTREAM_RATE_LIMITED", "spent");
    answers.push(() => ({ ok: false, failure, grantRefused: false, until: clock.now() + 12_345 }));
    expect(await get()).toBe("UPSTREAM_RATE_LIMITED +12345");
    await clock.advance(12_345);
    expect(await get()).toBe("access-1");
  });

  test("of a renewal ahead harms nobody while the token lives, and is not repeated in a hurry", async () => {
    const { get, fails, clock, asked, tokens } = world();
    await get();
    for (let n = 0; n < 100; n++) fails(down);
    await clock.advance(0.8 * HOUR);
    expect(asked).toHaveLength(2);
    await clock.advance(60_000);
    expect(asked).toHaveLength(6);
    expect(await get()).toBe("access-1");
    expect(tokens.status.failure).toBe(down);
  });
});

describe("renewal", () => {
  test("comes before the end while the token is in use, and not while nobody needs it", async () => {
    const { get, clock, asked } = world();
    await get();
    for (let n = 0; n < 100; n++) {
      await clock.advance(HOUR / 10);
      await get();
    }
    // Ten hours, a renewal at every 0.8.
    expect(asked).toHaveLength(13);
    await clock.advance(100 * HOUR);
    expect(asked).toHaveLength(14);
    expect(clock.pending).toBe(0);
    expect(await get()).toBe("access-15");
  });

  test("comes behind the back of who uses a token late in its life", async () => {
    const { get, clock, asked } = world({ stored: {} });
    await clock.advance(0.9 * HOUR);
    expect(await get()).toBe("access-1");
    await clock.advance(0);
    expect(asked).toHaveLength(1);
    expect(await get()).toBe("access-2");
  });

  test("uses the refresh token that came last, and saves before anybody uses what it gives", async () => {
    const { get, clock, asked, saved, order, kept } = world({ kind: "refresh_token", refreshes: true });
    await get();
    expect(order).toEqual(["saved", "used"]);
    await clock.advance(0.8 * HOUR);
    expect(await get()).toBe("access-2");
    expect(order).toEqual(["saved", "used", "saved", "used"]);
    expect(asked).toEqual(["refresh_token configured", "refresh_token refresh-1"]);
    expect(saved).toEqual(["access-1", "access-2"]);
    expect(kept()?.refreshToken?.reveal()).toBe("refresh-2");
  });

  test("keeps the refresh token when the server does not rotate it", async () => {
    const { get, clock, asked, kept } = world({ kind: "refresh_token" });
    await get();
    await clock.advance(2 * HOUR);
    await get();
    expect(new Set(asked)).toEqual(new Set(["refresh_token configured"]));
    expect(kept()?.refreshToken?.reveal()).toBe("configured");
  });

  test("of a jwt stays in its session while it can, and falls back to the JWT when that is over", async () => {
    const { get, refuse, fails, asked } = world({ refreshes: true });
    await get();
    refuse("access-1");
    await get();
    refuse("access-2");
    fails(refused, true);
    expect(await get()).toBe("access-3");
    expect(asked).toEqual(["jwt configured", "refresh_token refresh-1", "refresh_token refresh-2", "jwt configured"]);
    refuse("access-3");
    // Not when it is the app that is refused, or when nobody answers.
    fails(refused, false);
    expect(await get()).toBe("UPSTREAM_UNAUTHENTICATED +10000");
    expect(asked.at(-1)).toBe("refresh_token refresh-3");
  });

  test("of a jwt presents no refresh token that has ended", async () => {
    const { get, clock, asked } = world({ refreshes: true, refreshLife: DAY });
    await get();
    await clock.advance(3 * DAY);
    await get();
    expect(asked.at(-1)).toBe("jwt configured");
  });

  test("goes on with the new refresh token when the access token beside it has ended meanwhile", async () => {
    const { get, answers, issue, asked, clock, kept } = world({ kind: "refresh_token", refreshes: true });
    answers.push(() => ({ ok: true, issued: issue({ expiresAt: clock.now() }) }));
    expect(await get()).toBe("access-2");
    expect(asked).toEqual(["refresh_token configured", "refresh_token refresh-1"]);
    expect(kept()?.refreshToken?.reveal()).toBe("refresh-2");
  });

  test("gives up when every token has ended, without asking for ever", async () => {
    const { get, asked } = world({ kind: "refresh_token", refreshes: true, life: 0 });
    expect(await get()).toBe("UPSTREAM_BAD_RESPONSE +250");
    expect(asked).toHaveLength(3);
  });

  test("keeps a refresh token alive that only a person could replace, though nobody uses it", async () => {
    const { get, clock, asked, fails } = world({ kind: "refresh_token", refreshes: true });
    await get();
    await clock.advance(HOUR);
    expect(asked).toHaveLength(2);
    await clock.advance(30 * DAY);
    expect(asked.length).toBeGreaterThan(9);
    expect(asked.length).toBeLessThan(13);
    expect(vi.mocked(events.refreshTokenEnding)).not.toHaveBeenCalled();
    const before = asked.length;
    fails(refused, true);
    await clock.advance(30 * DAY);
    expect(asked).toHaveLength(before + 1);
    expect(vi.mocked(events.refreshTokenEnding)).toHaveBeenCalledTimes(1);
    expect(clock.pending).toBe(0);
  });

  test("warns a day before a refresh token ends that renewing does not prolong", async () => {
    const clock = new TestClock();
    const endsAt = clock.now() + 3 * DAY;
    const { get, answers, issue, clock: time } = world({ kind: "refresh_token", refreshes: true });
    for (let n = 0; n < 200; n++) answers.push(() => ({ ok: true, issued: issue({ refreshExpiresAt: endsAt }) }));
    await get();
    await time.advance(2 * DAY - 1);
    expect(vi.mocked(events.refreshTokenEnding)).not.toHaveBeenCalled();
    await time.advance(1);
    expect(vi.mocked(events.refreshTokenEnding).mock.calls).toEqual([[{ connection: "con-1", endsAt }]]);
  });
});

describe("the store", () => {
  test("gives the token of before a restart while it lives", async () => {
    const { get, asked, tokens, onRenewed } = world({ stored: {} });
    await settle();
    expect(tokens.status.ownerId).toBe("7");
    expect(onRenewed).toHaveBeenCalledTimes(1);
    expect(await get()).toBe("access-1");
    expect(asked).toEqual([]);
  });

  test("gives the refresh token of before a restart when the access token has ended", async () => {
    const stored = { expiresAt: 0, refreshToken: new Secret("rotated") };
    const { get, asked } = world({ kind: "refresh_token", refreshes: true, stored });
    expect(await get()).toBe("access-2");
    expect(asked).toEqual(["refresh_token rotated"]);
  });

  test("keeps nobody from a token that cannot be saved, and saves it when it can be", async () => {
    const { get, trouble, saved, clock } = world({ kind: "refresh_token", refreshes: true });
    trouble.save = true;
    expect(await get()).toBe("access-1");
    await clock.advance(3_000);
    expect(vi.mocked(events.tokenStoreTrouble)).toHaveBeenCalledTimes(3);
    trouble.save = false;
    await clock.advance(4_000);
    expect(saved).toEqual(["access-1"]);
    expect(vi.mocked(events.tokenStoreRecovered)).toHaveBeenCalledTimes(1);
    await clock.advance(HOUR / 2);
    expect(saved).toEqual(["access-1"]);
  });

  test("never saves an older token over a newer one", async () => {
    const { get, refuse, trouble, saved, clock } = world({ kind: "refresh_token", refreshes: true });
    trouble.save = true;
    await get();
    trouble.save = false;
    refuse("access-1");
    await get();
    await clock.advance(HOUR / 2);
    expect(saved).toEqual(["access-2"]);
  });

  test("that cannot be read stops a refresh token, whose first one is used up, and nothing else", async () => {
    const stored = { expiresAt: 0, refreshToken: new Secret("rotated") };
    const { get, asked, trouble, clock, tokens } = world({
      kind: "refresh_token",
      refreshes: true,
      stored,
      unreadable: true,
    });
    expect(await get()).toBe("UPSTREAM_UNAVAILABLE +250");
    expect(tokens.status.failure?.message).toBe("Cannot get an access token: the stored refresh token cannot be read");
    await clock.advance(250);
    expect(await get()).toBe("UPSTREAM_UNAVAILABLE +500");
    expect(asked).toEqual([]);
    trouble.load = false;
    await clock.advance(500);
    expect(await get()).toBe("access-2");
    expect(asked).toEqual(["refresh_token rotated"]);
    const jwt = world({ unreadable: true });
    expect(await jwt.get()).toBe("access-1");
  });
});

test("close() leaves no timer, and what comes later is still saved", async () => {
  const { tokens, hold, get, saved, clock } = world({ kind: "refresh_token", refreshes: true });
  const release = hold();
  const pending: Promise<TokenOutcome | string> = get();
  await settle();
  tokens.close();
  release();
  expect(await pending).toBe("UPSTREAM_UNAVAILABLE +0");
  expect(saved).toEqual(["access-1"]);
  expect(clock.pending).toBe(0);
});
