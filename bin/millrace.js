#!/usr/bin/env node
// Starts the command line: the built one, or the TypeScript source when this file stands in a checkout.

import { existsSync } from "node:fs";
import * as nodeModule from "node:module"; // not by name: registerHooks is missing before Node 22.15

const sourceUrl = new URL("../lib/cli/main.ts", import.meta.url);
const builtUrl = new URL("../dist/cli/main.js", import.meta.url);

const [major, minor] = process.versions.node.split(".").map(Number);
const isAtLeast = (wantedMajor, wantedMinor) => major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);

if (!isAtLeast(22, 15)) {
  console.error(`millrace needs Node 22.15 or newer, and this is Node ${process.versions.node}.`);
  process.exit(2);
}

const isCheckout = existsSync(sourceUrl);

if (isCheckout && !process.features.typescript) {
  console.error(
    `millrace runs from its TypeScript source here, which Node ${process.versions.node} cannot load: use \`npx millrace\` after \`npm ci\`, or Node 22.18 or newer.`,
  );
  process.exit(2);
}

silenceExperimentalWarnings();

// What was compiled is kept for the next start (Node 22.8 or newer): a function that was killed is back
// with a third less work.
nodeModule.enableCompileCache?.();

if (isCheckout) {
  // What imports "millrace", our own files or an author's, gets the source and not a build that may be stale or absent.
  nodeModule.registerHooks({
    resolve: (specifier, context, nextResolve) =>
      nextResolve(specifier, { ...context, conditions: [...context.conditions, "millrace-source"] }),
  });
}

const { main } = await import((isCheckout ? sourceUrl : builtUrl).href);
process.exitCode = await main(process.argv.slice(2));

/** node:sqlite and type stripping say "experimental" on every start; no other warning is touched. */
function silenceExperimentalWarnings() {
  const emitWarning = process.emitWarning;
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === "object" ? rest[0]?.type : rest[0];
    const name = typeof warning === "string" ? type : warning.name;
    if (name !== "ExperimentalWarning") emitWarning.call(process, warning, ...rest);
  };
}
