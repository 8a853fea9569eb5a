import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { ServiceError } from "./lib/errors.ts";
import { type Environment, parseSettings } from "./settings.ts";

const key = Buffer.alloc(32, "k").toString("base64");
const defaults = {
  host: "127.0.0.1",
  httpPort: 8080,
  grpcPort: 50051,
  storeUrl: "sqlite:./data/availability.db",
  upstreamAllow: [],
  pushFiltersPerSocket: 500,
  secretsKey: undefined,
  auth: "none",
  exposed: false,
  logLevel: "info",
};

function refusal(env: Environment): ServiceError {
  try {
    parseSettings(env);
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
  throw new Error("the settings were taken");
}

describe("parseSettings()", () => {
  test("gives the defaults when nothing, or only what is not its own, is set", () => {
    expect(parseSettings({})).toEqual(defaults);
    expect(parseSettings({ PATH: "/bin", OTEL_EXPORTER_OTLP_ENDPOINT: "http://x", TLSX: "1" })).toEqual(defaults);
  });

  test("gives the defaults when variables are empty", () => {
    const names = [
      "HOST",
      "HTTP_PORT",
      "GRPC_PORT",
      "STORE_URL",
      "UPSTREAM_ALLOW",
      "PUSH_FILTERS_PER_SOCKET",
      "AUTH",
      "INSECURE",
      "LOG_LEVEL",
    ];
    expect(parseSettings(Object.fromEntries([...names, "TLS_CERT"].map((name) => [name, ""])))).toEqual(defaults);
  });

  test.each<[Environment, object]>([
    [
      { HTTP_PORT: "0", GRPC_PORT: "0" },
      { httpPort: 0, grpcPort: 0 },
    ],
    [
      { HTTP_PORT: "1", GRPC_PORT: "65535" },
      { httpPort: 1, grpcPort: 65535 },
    ],
    [{ HOST: "localhost" }, { host: "localhost" }],
    [{ HOST: "LocalHost" }, { host: "LocalHost" }],
    [{ HOST: "127.8.9.1" }, { host: "127.8.9.1" }],
    [{ HOST: "::1" }, { host: "::1" }],
    [{ HOST: "0:0:0:0:0:0:0:1" }, { host: "0:0:0:0:0:0:0:1" }],
    [{ HOST: "::ffff:127.0.0.1" }, { host: "::ffff:127.0.0.1" }],
    [{ HOST: "127.0.0.1", INSECURE: "1" }, {}],
    [
      { HOST: "0.0.0.0", INSECURE: "1" },
      { host: "0.0.0.0", exposed: true },
    ],
    [
      { HOST: "::", INSECURE: "1", AUTH: "none" },
      { host: "::", exposed: true },
    ],
    [
      { HOST: "pod-7.svc.example", INSECURE: "1" },
      { host: "pod-7.svc.example", exposed: true },
    ],
    [{ INSECURE: "0" }, {}],
    [{ STORE_URL: ":memory:" }, { storeUrl: ":memory:" }],
    [{ PUSH_FILTERS_PER_SOCKET: "1" }, { pushFiltersPerSocket: 1 }],
    [{ STORE_URL: "sqlite:/var/lib/x.db" }, { storeUrl: "sqlite:/var/lib/x.db" }],
    [{ UPSTREAM_ALLOW: "http://localhost:4000" }, { upstreamAllow: ["http://localhost:4000"] }],
    [
      { UPSTREAM_ALLOW: "https://A.example:443, http://b.example/,https://a.example" },
      { upstreamAllow: ["https://a.example", "http://b.example"] },
    ],
    ...["trace", "debug", "info", "warn", "error", "fatal", "silent"].map((logLevel): [Environment, object] => [
      { LOG_LEVEL: logLevel },
      { logLevel },
    ]),
  ])("takes %j", (env, settings) => {
    expect(parseSettings(env)).toEqual({ ...defaults, ...settings });
  });

  test.each([key, `${key},${key}`, "file:/run/secrets/key"])("takes SECRETS_KEY %j", (value) => {
    expect(parseSettings({ SECRETS_KEY: value }).secretsKey?.reveal()).toBe(value);
  });

  const port = "expected a whole number from 0 to 65535";
  const host = "expected an IP address without brackets, or a host name";
  const loopback = "expected a loopback address while AUTH is none, or INSECURE=1 to let anyone who reaches it call";
  const origin = 'expected a bare origin, as in "https://server.example"';
  test.each<readonly [name: string, value: string, reason: string, description: string]>([
    ...["0", "-1", "100000", "many", "1.5"].map((value) => {
      const description = `is ${JSON.stringify(value)}; expected a whole number from 1 to 99999`;
      return ["PUSH_FILTERS_PER_SOCKET", value, "INVALID_FORMAT", description] as const;
    }),
    ...["HTTP_PORT", "GRPC_PORT"].flatMap((name) =>
      [" 80 80", "abc", "-1", "65536", "080", "80.0", "8e1", "0x50", "+80", "80 ", "٨٠", "100000", "NaN"].map(
        (value) => [name, value, "INVALID_FORMAT", `is ${JSON.stringify(value)}; ${port}`] as const,
      ),
    ),
    ...[
      "[::1]",
      "a b",
      "-a",
      "a..b",
      "127.0.0",
      "300.1.1.1",
      "0",
      "0x7f",
      "http://a",
      "a:80",
      "a_b",
      "a.".repeat(200),
    ].map((value) => ["HOST", value, "INVALID_FORMAT", host] as const),
    ...["0.0.0.0", "::", "10.0.0.1", "::ffff:10.0.0.1", "fe80::1", "example.com", "localhost.example.com"].map(
      (value) => ["HOST", value, "INSECURE", `is "${value}"; ${loopback}`] as const,
    ),
    ["STORE_URL", "nats://host:4222", "UNSUPPORTED", 'has the scheme "nats:", not available yet'],
    ["STORE_URL", "redis://host", "INVALID_FORMAT", 'has the scheme "redis:"'],
    ["STORE_URL", "./data/x.db", "INVALID_FORMAT", "has no scheme"],
    ["UPSTREAM_ALLOW", "platform.example", "INVALID_FORMAT", `is "platform.example" at place 1; ${origin}`],
    ["UPSTREAM_ALLOW", "https://a.example,", "INVALID_FORMAT", `is "" at place 2; ${origin}`],
    ["UPSTREAM_ALLOW", "*", "INVALID_FORMAT", origin],
    ["UPSTREAM_ALLOW", "ftp://a.example", "INVALID_FORMAT", origin],
    ["UPSTREAM_ALLOW", "https://a.example/path", "INVALID_FORMAT", origin],
    ["UPSTREAM_ALLOW", "https://me:hunter2@a.example", "INVALID_FORMAT", "has user information at place 1"],
    ["SECRETS_KEY", "", "INVALID_FORMAT", "holds no key at place 1; expected base64 of 32 bytes"],
    ["SECRETS_KEY", "hunter2", "INVALID_FORMAT", "holds no key at place 1; expected base64 of 32 bytes"],
    ["SECRETS_KEY", `${key},hunter2`, "INVALID_FORMAT", "holds no key at place 2; expected base64 of 32 bytes"],
    ["SECRETS_KEY", "file:", "INVALID_FORMAT", 'names no file after "file:"'],
    ...["mtls", "mesh", "jwt"].map(
      (v) => ["AUTH", v, "UNSUPPORTED", `is "${v}", not available yet; expected "none"`] as const,
    ),
    ["AUTH", "None", "INVALID_FORMAT", 'is "None"; expected "none"'],
    ...["true", "yes", "2", " 1"].map((v) => ["INSECURE", v, "INVALID_FORMAT", `is "${v}"; expected 1 or 0`] as const),
    ...["TLS_CERT", "TLS_KEY", "TLS_"].map(
      (name) => [name, "hunter2", "UNSUPPORTED", "TLS is not available yet"] as const,
    ),
    ["LOG_LEVEL", "verbose", "INVALID_FORMAT", 'is "verbose"; expected trace, debug, info, warn, error, fatal, silent'],
    ["LOG_LEVEL", "INFO", "INVALID_FORMAT", 'is "INFO"; expected trace'],
  ])("refuses %s=%j as %s", (name, value, reason, description) => {
    const error = refusal({ [name]: value });
    expect(error.code).toBe("INVALID_ARGUMENT");
    expect(error.violations).toEqual([{ field: name, reason, description: expect.stringContaining(description) }]);
    expect(inspect(error)).not.toContain("hunter2");
  });

  test("refuses the same port for both listeners", () => {
    const { violations } = refusal({ HTTP_PORT: "50051" });
    expect(violations).toEqual([
      { field: "GRPC_PORT", reason: "CONFLICT", description: "is 50051, as is HTTP_PORT; expected another port" },
    ]);
  });

  test("names everything that is wrong at once, once each", () => {
    const error = refusal({
      HOST: "0.0.0.0",
      HTTP_PORT: "abc",
      GRPC_PORT: "-1",
      STORE_URL: "nats://host",
      UPSTREAM_ALLOW: "a,b",
      SECRETS_KEY: "hunter2",
      LOG_LEVEL: "loud",
      TLS_KEY: "x",
      TLS_CERT: "x",
    });
    const fields = ["HTTP_PORT", "GRPC_PORT", "STORE_URL", "UPSTREAM_ALLOW", "UPSTREAM_ALLOW", "SECRETS_KEY", "HOST"];
    expect(error.violations.map((violation) => violation.field)).toEqual([
      ...fields,
      "LOG_LEVEL",
      "TLS_CERT",
      "TLS_KEY",
    ]);
    for (const { field, description } of error.violations) expect(error.message).toContain(`${field} ${description}`);
    expect(error.message).toMatch(/^Cannot read settings: HTTP_PORT is "abc"; expected/);
  });

  test("does not judge the host when INSECURE itself is wrong, nor when AUTH is", () => {
    expect(refusal({ HOST: "0.0.0.0", INSECURE: "yes" }).violations.map((v) => v.field)).toEqual(["INSECURE"]);
    expect(refusal({ HOST: "0.0.0.0", AUTH: "jwt" }).violations.map((v) => v.field)).toEqual(["AUTH"]);
  });

  test("shortens a value that is long", () => {
    expect(refusal({ LOG_LEVEL: "x".repeat(5000) }).message.length).toBeLessThan(300);
  });

  test("settings print without their secret and hold nothing of the environment", () => {
    const settings = parseSettings({ SECRETS_KEY: key, AWS_SECRET: "hunter2" });
    for (const printed of [
      JSON.stringify(settings),
      inspect(settings, { depth: 9, showHidden: true }),
      String(settings.secretsKey),
    ]) {
      expect(printed).not.toContain(key);
      expect(printed).not.toContain("hunter2");
      expect(printed).toContain("[secret]");
    }
    expect(Object.keys(settings)).toEqual(Object.keys(defaults));
  });
});
