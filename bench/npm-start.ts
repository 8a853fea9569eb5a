import manifest from "../package.json" with { type: "json" };

/** What `npm start` tells Node, so that what is measured is what people run. */
export const AS_BY_NPM_START: readonly string[] = manifest.scripts.start
  .split(" ")
  .filter((word) => word.startsWith("--"));
