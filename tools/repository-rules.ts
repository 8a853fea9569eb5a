// The rules of this repository that no linter knows. Each takes what it judges and returns one line per violation.

/** A file of the repository: its path from the top, with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const LONGEST_SOURCE = 250;

/** Source files stay small enough to be read in one go; generated code and tests may be longer. */
export function longSources(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => /\.(ts|cjs|go|py)$/.test(path) && !path.startsWith("gen/") && !path.endsWith(".test.ts"))
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > LONGEST_SOURCE)
    .map(({ path, lines }) => `${path} has ${lines} lines, ${LONGEST_SOURCE} at most`);
}

/** No file names a place that exists on one machine only: a home, a scratch folder, or `checkout`, the folder it is checked out in. */
export function machinePaths(files: readonly SourceFile[], checkout: string): string[] {
  const homes = ["home", "root", "Users", "work", "mnt", "tmp"].map((folder) => `/${folder}/`);
  const places = [`${checkout}/`, ...homes].map((place) => RegExp.escape(place));
  // A letter, dot, bracket or closing quote before the slash makes it a part of something else: a URL, a relative path, a route.
  const path = new RegExp(`(?<![\\w.$~*)}\\]-])(?:${places.join("|")})[\\w.-]+`, "g");
  return files
    .filter((file) => file.path !== "package-lock.json" && !file.text.includes("\0"))
    .flatMap((file) =>
      file.text
        .split("\n")
        .flatMap((line, index) =>
          [...line.matchAll(path)].map(([found]) => `${file.path}:${index + 1} names the machine path "${found}"`),
        ),
    );
}

interface Manifest {
  readonly [kind: string]: unknown;
}

/** Every version in a package.json is one version, so that what was tested is what is installed. */
export function inexactVersions(path: string, manifest: Manifest): string[] {
  const kinds = ["dependencies", "devDependencies", "optionalDependencies", "overrides"];
  return kinds.flatMap((kind) =>
    Object.entries((manifest[kind] ?? {}) as Record<string, unknown>)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
      .map(([name, version]) => `${path} ${kind}: "${name}" is "${String(version)}", not one exact version`),
  );
}

interface Lock {
  readonly packages: Readonly<Record<string, { resolved?: string; integrity?: string; inBundle?: boolean }>>;
}

/** The lock names no registry, so that it installs from any, and pins the content of every package. */
export function looseLockEntries(lock: Lock): string[] {
  return Object.entries(lock.packages)
    .filter(([path]) => path !== "")
    .flatMap(([path, entry]) => {
      const problems: string[] = [];
      if (entry.resolved !== undefined) problems.push(`package-lock.json: "${path}" has a "resolved" address`);
      if (entry.integrity === undefined && !entry.inBundle)
        problems.push(`package-lock.json: "${path}" has no integrity`);
      return problems;
    });
}
