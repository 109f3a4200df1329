/** The code of functions as Lambda gets it: one file each, made by esbuild, and the source map of what is the author's or ours in it. The same sources make the same bytes. */

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { Metafile } from "esbuild";
import { MillraceError } from "../stream/error.ts";
import { type SourceMap, trimSourceMap } from "./trim-source-map.ts";

/** What Lambda calls: `index.mjs`, and what it exports. */
export const HANDLER = "index.handler";
const FILE = "index";

/** A function's code by the name of its folder. */
export type BundleRequest = {
  readonly name: string;
  /** The text of the entry; it names files absolutely. */
  readonly entry: string;
};

/** The entry that makes a handler of the operator of this name, whatever its file calls it. */
export function operatorEntry(file: string, operatorName: string): string {
  return [
    `import * as operators from ${JSON.stringify(file)};`,
    `export const handler = Object.values(operators).find((one) => one?.operatorName === ${JSON.stringify(operatorName)});`,
  ].join("\n");
}

/** The entry of a handler of our own in lib/lambda. */
export function ownEntry(name: string): string {
  return `export { handler } from ${JSON.stringify(lambdaFile(name))};`;
}

/** This file is a source where the package's sources are run, and built code where it is installed. */
const IS_SOURCE = import.meta.url.endsWith(".ts");

/** The SDK asks for modules of Node by `require`, which a module does not have. */
const BANNER =
  'import { createRequire as millraceRequire } from "node:module"; const require = millraceRequire(import.meta.url);';

/**
 * Bundles each into a folder of its own below `folder`, all in one run, so that what they share is read once. Clients of AWS in `unused` are left out
 * where nobody but us would load them. Returns esbuild's account of what is in them. Throws MillraceError "definition" with what esbuild says, or without esbuild.
 */
export function bundleInto(folder: string, requests: readonly BundleRequest[], unused: readonly string[]): Metafile {
  const entries = join(folder, "entries");
  mkdirSync(entries, { recursive: true });
  for (const { name, entry } of requests) writeFileSync(join(entries, `${name}.mjs`), entry);
  const bundle = (leftOut: readonly string[]) =>
    loadEsbuild().buildSync({
      entryPoints: requests.map(({ name }) => ({ in: join(entries, `${name}.mjs`), out: `${name}/${FILE}` })),
      outdir: folder,
      outExtension: { ".js": ".mjs" },
      alias: {
        "@aws-sdk/credential-provider-node": lambdaFile("environment-credentials"),
        ...Object.fromEntries(leftOut.map((name) => [name, lambdaFile("unused-client", "c")])),
      },
      bundle: true,
      minify: true,
      keepNames: true,
      sourcemap: true,
      sourcesContent: false,
      metafile: true,
      platform: "node",
      target: "node24",
      format: "esm",
      mainFields: ["module", "main"],
      // The SDK's modules instead of its CommonJS, which cannot be taken apart: what is not used is left out.
      conditions: ["module", ...(IS_SOURCE ? ["millrace-source"] : [])],
      banner: { js: BANNER },
      logLevel: "silent",
    });
  try {
    let { metafile } = bundle(unused);
    const used = usedByAuthors(metafile, unused);
    if (used.length > 0) ({ metafile } = bundle(unused.filter((name) => !used.includes(name))));
    for (const { name } of requests) trimMap(join(folder, name, `${FILE}.mjs.map`));
    return metafile;
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw new MillraceError("definition", `The functions cannot be bundled: ${(cause as Error).message}`, { cause });
  } finally {
    rmSync(entries, { recursive: true, force: true });
  }
}

const OWN_FOLDER = fileURLToPath(new URL("../", import.meta.url));

/** Leaves in a map what is not of packages: stacks are read for the author's code, or for ours. */
function trimMap(file: string): void {
  const map = JSON.parse(readFileSync(file, "utf8")) as SourceMap;
  const isWanted = (source: string) => {
    const path = resolve(dirname(file), source);
    return path.startsWith(OWN_FOLDER) || !path.includes(`${sep}node_modules${sep}`);
  };
  writeFileSync(file, JSON.stringify(trimSourceMap(map, isWanted)));
}

/** Which of the clients that were left out are loaded by files that are not ours. */
function usedByAuthors({ inputs }: Metafile, leftOut: readonly string[]): readonly string[] {
  const importers = Object.entries(inputs).filter(([file]) => !resolve(file).startsWith(OWN_FOLDER));
  return leftOut.filter((name) =>
    importers.some(([, { imports }]) => imports.some(({ original }) => original === name)),
  );
}

function lambdaFile(name: string, kind = ""): string {
  return fileURLToPath(new URL(`../lambda/${name}.${kind}${IS_SOURCE ? "ts" : "js"}`, import.meta.url));
}

function loadEsbuild(): Pick<typeof import("esbuild"), "buildSync"> {
  try {
    return createRequire(import.meta.url)("esbuild") as typeof import("esbuild");
  } catch (cause) {
    throw new MillraceError(
      "definition",
      "Functions are bundled by esbuild, which is not installed: npm install --save-dev esbuild.",
      {
        cause,
      },
    );
  }
}
