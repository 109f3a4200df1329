/** Source maps without what nobody asks about, read back by Node's own reader. */

import { SourceMap, type SourceMapPayload, type SourceMapping } from "node:module";
import { resolve } from "node:path";
import { buildSync } from "esbuild";
import { expect, test } from "vitest";
import { trimSourceMap } from "../../lib/cdk/trim-source-map.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Code on one line whose sources take turns: our own and those of a package. */
function bundled() {
  const { outputFiles } = buildSync({
    stdin: {
      contents: `import * as identity from "./lib/wire/identity.ts"; import Encoder from "kafkajs/src/protocol/encoder.js";
        import * as time from "./lib/stream/sentence.ts"; console.log(identity, Encoder, time);`,
      resolveDir: ROOT,
    },
    bundle: true,
    minify: true,
    write: false,
    sourcemap: true,
    sourcesContent: false,
    outfile: "bundle.mjs",
    platform: "node",
    format: "esm",
    logLevel: "silent",
  });
  const [map, code] = outputFiles;
  return { map: JSON.parse(map!.text) as SourceMapPayload, code: code!.text };
}

const isOurs = (source: string) => !source.includes("node_modules/");

/** Where Node says that a position of the bundle comes from. */
function originOf(map: SourceMap, line: number, column: number) {
  const { originalSource, originalLine, originalColumn, name } = map.findEntry(line, column) as Partial<
    SourceMapping & { name: string }
  >;
  return originalSource === undefined ? undefined : { originalSource, originalLine, originalColumn, name };
}

test("every position of a wanted file has the origin that it had, and every other has none", () => {
  const { map, code } = bundled();
  const trimmed = trimSourceMap(map, isOurs);
  const [before, after] = [new SourceMap(map), new SourceMap(trimmed)];
  let kept = 0;
  for (const [line, text] of code.split("\n").entries()) {
    for (let column = 0; column < text.length; column += 1) {
      const origin = originOf(before, line, column);
      const isKept = origin !== undefined && isOurs(origin.originalSource);
      expect(originOf(after, line, column)).toEqual(isKept ? origin : undefined);
      if (isKept) kept += 1;
    }
  }
  expect(kept).toBeGreaterThan(1_000);
  expect(trimmed.sources.every(isOurs)).toBe(true);
  expect(trimmed.mappings.length).toBeLessThan(map.mappings.length / 2);
});

test("a map of which everything is wanted stays as it is", () => {
  const { map } = bundled();
  const trimmed = trimSourceMap(map, () => true);
  expect(trimSourceMap(trimmed, () => true)).toEqual(trimmed);
  expect(trimmed.sources.toSorted()).toEqual(map.sources.toSorted());
});
