import { describe, expect, test } from "vitest";
import { inexactVersions, longSources, looseLockEntries, machinePaths } from "./repository-rules.ts";

const lines = (count: number) => "x\n".repeat(count);

describe("longSources()", () => {
  test("longSources() passes 250 lines and names a file of 251", () => {
    const files = [
      { path: "src/fits.ts", text: lines(250) },
      { path: "src/long.ts", text: lines(251) },
    ];
    expect(longSources(files)).toEqual(["src/long.ts has 251 lines, 250 at most"]);
  });

  test("longSources() leaves out generated code, tests and texts when they are long", () => {
    const files = ["gen/a_pb.ts", "src/a.test.ts", "README.md"].map((path) => ({ path, text: lines(999) }));
    expect(longSources(files)).toEqual([]);
  });
});

describe("machinePaths()", () => {
  // Put together here, so that this file passes the rule it tests.
  const home = ["", "home", "ann"].join("/");
  const scratch = ["", "tmp", "x"].join("/");

  test("machinePaths() names file, line and path when a file names a home, a scratch folder or the checkout", () => {
    const files = [
      { path: "docs/a.md", text: `first\nsee ${home} and "${scratch}"\n` },
      { path: "b.sh", text: "cd /srv/checkout/src\n" },
    ];
    expect(machinePaths(files, "/srv/checkout")).toEqual([
      `docs/a.md:2 names the machine path "${home}"`,
      `docs/a.md:2 names the machine path "${scratch}"`,
      'b.sh:1 names the machine path "/srv/checkout/src"',
    ]);
  });

  test("machinePaths() passes URLs, relative paths, routes and system programs when they look alike", () => {
    const text = `https://example.com${home} ./tmp/x src${scratch} /usr/bin/python3 /restapi/v1.0/account/~ $DIR${scratch}`;
    expect(machinePaths([{ path: "a.ts", text }], "/srv/checkout")).toEqual([]);
  });

  test("machinePaths() leaves out the lock file and binary files when they hold such a text", () => {
    const files = [
      { path: "package-lock.json", text: home },
      { path: "proto/baseline.binpb", text: `\0 ${home}` },
    ];
    expect(machinePaths(files, "/srv/checkout")).toEqual([]);
  });
});

test("inexactVersions() names every range, tag and address when a package.json has some", () => {
  const manifest = {
    dependencies: { exact: "1.2.3", caret: "^1.2.3", tag: "latest" },
    devDependencies: { candidate: "1.0.0-rc.1" },
    overrides: { git: "github:a/b" },
  };
  expect(inexactVersions("package.json", manifest)).toEqual([
    'package.json dependencies: "caret" is "^1.2.3", not one exact version',
    'package.json dependencies: "tag" is "latest", not one exact version',
    'package.json overrides: "git" is "github:a/b", not one exact version',
  ]);
});

test("looseLockEntries() names packages with an address or without integrity when the lock has some", () => {
  const lock = {
    packages: {
      "": {},
      "node_modules/good": { integrity: "sha512-x" },
      "node_modules/bundled": { inBundle: true },
      "node_modules/bound": { integrity: "sha512-x", resolved: "https://registry.example/bound.tgz" },
      "node_modules/loose": {},
    },
  };
  expect(looseLockEntries(lock)).toEqual([
    'package-lock.json: "node_modules/bound" has a "resolved" address',
    'package-lock.json: "node_modules/loose" has no integrity',
  ]);
});
