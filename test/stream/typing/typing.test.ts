/** Runs the compiler once over valid.ts and over every mistake, as a user's project would see them. */

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MISTAKES as MISTAKES_OF_STREAMS } from "./mistakes.ts";
import { MISTAKES_OF_ASYNC } from "./mistakes-of-async.ts";
import { MISTAKES_OF_BROADCASTS } from "./mistakes-of-broadcasts.ts";
import { MISTAKES_OF_JOINS } from "./mistakes-of-joins.ts";
import { MISTAKES_OF_PATTERNS } from "./mistakes-of-patterns.ts";
import { MISTAKES_OF_PROCESSES } from "./mistakes-of-processes.ts";
import { MISTAKES_OF_SINKS } from "./mistakes-of-sinks.ts";
import { MISTAKES_OF_WATERMARKS } from "./mistakes-of-watermarks.ts";
import { MISTAKES_OF_WINDOWS } from "./mistakes-of-windows.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const MISTAKES = [
  ...MISTAKES_OF_STREAMS,
  ...MISTAKES_OF_ASYNC,
  ...MISTAKES_OF_BROADCASTS,
  ...MISTAKES_OF_JOINS,
  ...MISTAKES_OF_PATTERNS,
  ...MISTAKES_OF_PROCESSES,
  ...MISTAKES_OF_SINKS,
  ...MISTAKES_OF_WATERMARKS,
  ...MISTAKES_OF_WINDOWS,
];
const VALID = [
  new URL("./valid.ts", import.meta.url),
  new URL("./valid-async.ts", import.meta.url),
  new URL("./valid-broadcast.ts", import.meta.url),
  new URL("./valid-joins.ts", import.meta.url),
  new URL("./valid-patterns.ts", import.meta.url),
  new URL("./valid-process.ts", import.meta.url),
  new URL("./valid-sinks.ts", import.meta.url),
  new URL("./valid-watermarks.ts", import.meta.url),
  new URL("./valid-windows.ts", import.meta.url),
].map((url) => fileURLToPath(url));
const PRELUDE = fileURLToPath(new URL("./prelude.ts", import.meta.url));
const IMPORTS = {
  millrace:
    "asyncFunction, boundedOutOfOrderness, counterState, customTrigger, customWatermark, deltaTrigger, dynamoTable, json, mapState, operator, punctuated, route, seconds, session, setting, sink, type SinkElement, sliding, stream, table, text, topic, tumbling, valueState",
  prelude: "Access, access, kinds, latest, lines, orders, wordCounts",
};

let folder: string;
/** The errors of each file, without their further lines. */
let errors: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-types-"));
  await Promise.all(MISTAKES.map(({ code }, i) => writeFile(join(folder, toFile(i)), toSource(code))));
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config()));
  errors = toErrors(await compile());
}, 60_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

function toFile(i: number): string {
  return `mistake-${i}.ts`;
}

function toSource(code: string): string {
  const imports = [
    `import { ${IMPORTS.millrace} } from ${JSON.stringify(join(ROOT, "lib/index.ts"))};`,
    `import { ${IMPORTS.prelude} } from ${JSON.stringify(PRELUDE)};`,
  ];
  return `${imports.join("\n")}\nexport const mistake = ${code};\n`;
}

function config() {
  return {
    extends: join(ROOT, "tsconfig.user.json"),
    compilerOptions: {
      customConditions: ["millrace-source"],
      typeRoots: [join(ROOT, "node_modules/@types")],
      types: ["node"],
    },
    files: [...MISTAKES.map((_, i) => toFile(i)), ...VALID],
  };
}

async function compile(): Promise<string> {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  const options = ["-p", folder, "--pretty", "false"];
  try {
    return (await promisify(execFile)(process.execPath, [tsc, ...options], { cwd: folder })).stdout;
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}

function toErrors(output: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const match = /^(?:.*\/)?([^/]+\.ts)\(\d+,\d+\): error (TS\d+: .*)$/.exec(line.trimEnd());
    if (match !== null) found.set(match[1]!, [...(found.get(match[1]!) ?? []), match[2]!]);
    // What belongs to no file, such as a wrong option, or to a file of the package must not pass unseen.
    else if (/error TS/.test(line)) throw new Error(line);
  }
  return found;
}

test("what is valid compiles", () => {
  expect([errors.get("valid.ts"), errors.get("valid-process.ts")]).toEqual([undefined, undefined]);
});

test("no file but the mistakes has errors", () => {
  expect([...errors.keys()].filter((file) => !file.startsWith("mistake-"))).toEqual([]);
});

describe("does not compile, with one error", () => {
  test.each(MISTAKES.map((mistake, i) => ({ ...mistake, file: toFile(i) })))("$title", ({ file, error }) => {
    expect(errors.get(file)).toEqual([error]);
  });
});
