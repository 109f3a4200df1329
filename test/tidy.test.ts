/** Keeps the house tidy: this repository follows the rules of check-tidiness.ts, and the checker catches what breaks them. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkTidiness, type Exception, FILE_LINES_MAX, LIB_FOLDERS } from "./tidy/check-tidiness.ts";
import { readSourceText } from "./tidy/source-text.ts";

/** What this repository is allowed to do against the rules, and why. Dynamic imports are no exception by themselves. */
const EXCEPTIONS: readonly Exception[] = [
  { path: "lib/local/import-file.ts", allows: "computed import", reason: "it loads the files of users" },
  {
    path: "lib/local/lambda-runtime/bootstrap.ts",
    allows: "computed import",
    reason: "it loads the function that was synthesized",
  },
  {
    path: "lib/simulation/variants.ts",
    allows: "computed import",
    reason: "it loads production code under other names",
  },
];

const ROOTS = ["lib", "functions", "infra", "test", "bench", "demo", "examples", "torture", "tools", "bin"];

test("this repository is tidy", () => {
  const files = readTree();
  expect(Object.keys(files)).toContain("test/tidy.test.ts");
  expect(checkTidiness(files, EXCEPTIONS)).toEqual([]);
});

describe("order of folders", () => {
  test.each([
    ["lib/windows/a.ts", 'import { b } from "../stream/b.ts";'],
    ["lib/windows/a.ts", 'import { b } from "./b.ts";'],
    ["lib/state-log/sqlite/a.ts", 'import { b } from "../port.ts";'],
    ["lib/local/a.ts", 'import { b } from "../simulation/b.ts";'],
    ["lib/cli/a.ts", 'import { b } from "../simulation/b.ts";'],
    ["lib/index.ts", 'export { b } from "./dashboard/b.ts";'],
    ["test/stream/a.test.ts", 'import { b } from "../../lib/dashboard/b.ts";'],
    ["lib/stream/a.ts", '// import { b } from "../wire/b.ts";'],
    ["lib/stream/a.ts", "const text = 'import { b } from \"../wire/b.ts\"';"],
  ])("%s may say %s", (path, code) => {
    expect(problems(path, code)).toEqual([]);
  });

  test.each([
    ["lib/stream/a.ts", 'import { b } from "../windows/b.ts";', "windows stands behind stream"],
    ["lib/stream/a.ts", 'import type { b } from "../windows/b.ts";', "windows stands behind stream"],
    ["lib/stream/a.ts", 'import {\n  b,\n} from "../windows/b.ts";', "windows stands behind stream"],
    ["lib/stream/a.ts", 'import "../windows/b.ts";', "windows stands behind stream"],
    ["lib/stream/a.ts", 'export { b } from "../windows/b.ts";', "windows stands behind stream"],
    ["lib/stream/a.ts", 'export * from "../windows/b.ts";', "windows stands behind stream"],
    ["lib/stream/a.ts", 'type B = import("../windows/b.ts").B;', "windows stands behind stream"],
    ["lib/runtime/a.ts", 'const b = await import("../cli/b.ts");', "cli stands behind runtime (dynamically)"],
    ["lib/runtime/a.ts", "const b = await import(`../cli/b.ts`);", "cli stands behind runtime (dynamically)"],
    ["lib/runtime/a.ts", 'const b = require("../cli/b.ts");', "cli stands behind runtime (dynamically)"],
    ["lib/runtime/a.ts", "const b = await import(path);", "imports something that only the run time knows"],
    ["lib/runtime/a.ts", "const b = await import(`../${name}.ts`);", "imports something that only the run time knows"],
    ["lib/kafka/a.ts", 'import { b } from "../simulation/b.ts";', "simulation stands behind kafka"],
    ["lib/simulation/a.ts", 'import { b } from "../cli/b.ts";', "cli stands behind simulation"],
    ["lib/lambda/a.ts", 'import { b } from "../local/b.ts";', "lambda and local never import each other"],
    ["lib/local/a.ts", 'import { b } from "../lambda/b.ts";', "local and lambda never import each other"],
    ["lib/cli/a.ts", 'import { b } from "../index.ts";', "the public API stands behind cli"],
    ["lib/cli/a.ts", 'import { b } from "millrace";', "imports millrace by name"],
    ["lib/cli/a.ts", 'import { b } from "../../functions/b.ts";', "lib imports nothing outside of lib"],
    ["lib/cli/a.ts", 'import { b } from "../../infra/app.ts";', "lib imports nothing outside of lib"],
    ["lib/cli/a.ts", 'import { b } from "../../demo/start.ts";', "lib imports nothing outside of lib"],
    ["lib/queries/a.ts", "", "stands in no folder of the order"],
    ["lib/a.ts", "", "stands in no folder of the order"],
  ])("%s may not say %s", (path, code, sentence) => {
    expect(problems(path, code)).toEqual([expect.stringContaining(sentence)]);
  });
});

describe("pure folders", () => {
  test.each([
    "type Call = (value: string) => Promise<string>;",
    "interface Sink { write(batch: string): Promise<void>; }",
    "const at = new Date(timestampMs);",
    "return stream(lines).process({ onElement });",
    'const kind = "async"; // await Promise.all, Date.now()',
    "const options = { async: true, await: false };",
    "const isPromise = typeof value.then === kind;",
    "const pattern = /Math.random(\"|')/;",
    "const text = `Date.now() ${value} process.env`;",
    'import type { StandardSchemaV1 } from "@standard-schema/spec";',
  ])("may say %s", (code) => {
    expect(problems("lib/stream/a.ts", code)).toEqual([]);
  });

  test.each([
    ["export async function open() {}", "async"],
    ["const open = async () => 1;", "async"],
    ["const port = { async open() {} };", "async"],
    ["const value = await open();", "await"],
    ["function open(): Promise<Map<string, string>> {", "a function that returns a Promise"],
    ["const open = (): Promise<void> => run();", "a function that returns a Promise"],
    ["const all = Promise.all(calls);", "Promise"],
    ["const later = new Promise(run);", "new Promise"],
    ["call(value).then(done);", "then"],
    ["const nowMs = Date.now();", "Date.now"],
    ["const now = new Date();", "new Date()"],
    ["const now = new Date;", "new Date()"],
    ["const nowMs = performance.now();", "performance.now"],
    ["const seed = Math.random();", "Math.random"],
    ["const id = crypto.randomUUID();", "crypto"],
    ["const region = process.env.AWS_REGION;", "process"],
    ["const region = globalThis.process.env;", "globalThis"],
    ["setTimeout(run, 10);", "a timer"],
    ["const answer = fetch(url);", "fetch"],
    ["console.log(value);", "console"],
    ["const text = `now ${Date.now()}`;", "Date.now"],
  ])("may not say %s", (code, word) => {
    for (const folder of LIB_FOLDERS.slice(0, 6)) {
      expect(problems(`lib/${folder}/a.ts`, code)).toContain(
        `lib/${folder}/a.ts:3 uses ${word}, and ${folder} is pure`,
      );
    }
    expect(problems("lib/runtime/a.ts", code)).toEqual([]);
  });

  test("import no module of Node, except that wire may have buffer and zlib", () => {
    expect(problems("lib/wire/a.ts", 'import { zstdCompressSync } from "node:zlib";')).toEqual([]);
    expect(problems("lib/wire/a.ts", 'import { Buffer } from "node:buffer";')).toEqual([]);
    expect(problems("lib/wire/a.ts", 'import { createHash } from "node:crypto";')).toHaveLength(1);
    expect(problems("lib/state/a.ts", 'import { zstdCompressSync } from "node:zlib";')).toHaveLength(1);
    expect(problems("lib/state/a.ts", 'import { readFileSync } from "fs";')).toHaveLength(1);
    expect(problems("lib/runtime/a.ts", 'import { readFileSync } from "node:fs";')).toEqual([]);
  });
});

describe("packages have one home each", () => {
  const homes = [
    ["@aws-sdk/client-dynamodb", "lib/state-log/dynamodb-state-log.ts"],
    ["@aws-sdk/client-s3", "lib/state-log/s3-blob-store.ts"],
    ["kafkajs", "lib/kafka/kafkajs-producer.ts"],
    ["aws-cdk-lib/aws-lambda", "infra/app.ts"],
  ] as const;

  test.each(homes)("%s at home in %s", (name, home) => {
    const code = `import { a } from "${name}";`;
    expect(problems(home, code)).toEqual([]);
    expect(problems("test/contracts/state-log.test.ts", code)).toEqual([]);
    for (const path of ["lib/state-log/memory.ts", "lib/runtime/a.ts", "functions/a.ts", "demo/a.ts"]) {
      expect(problems(path, code)).toEqual([expect.stringContaining(`imports ${name}, whose home is`)]);
    }
    for (const [, other] of homes) if (other !== home) expect(problems(other, code)).toHaveLength(1);
  });
});

describe("files", () => {
  const lines = (count: number) => "//\n".repeat(count);

  test("have at most 400 lines", () => {
    expect(checkTidiness({ "test/a.ts": lines(FILE_LINES_MAX) })).toEqual([]);
    expect(checkTidiness({ "test/a.ts": lines(FILE_LINES_MAX + 1) })).toEqual([
      "test/a.ts:401 is longer than 400 lines",
    ]);
  });

  test.each(["utils", "common", "types", "core", "helpers"])("stand in no folder called %s", (folder) => {
    expect(problems(`lib/stream/${folder}/a.ts`, "")).toEqual([expect.stringContaining(`a folder called ${folder}`)]);
    expect(problems(`test/${folder}/a.ts`, "")).toHaveLength(1);
    expect(problems(`lib/stream/${folder}.ts`, "")).toEqual([]);
  });

  test.each([
    "/** What it is. */",
    "/**\n * What it is,\n * on two lines. And more.\n */",
    "// What it is.\nimport a;",
    "#!/usr/bin/env node\n// What it is.",
  ])("of lib may open with %j", (text) => {
    expect(checkTidiness({ "lib/cli/a.ts": text })).toEqual([]);
  });

  test.each([
    "",
    "export const a = 1; // What it is.",
    "/** no sentence */",
    "/** */",
    "// biome-ignore lint: a reason.",
  ])("of lib may not open with %j", (text) => {
    expect(checkTidiness({ "lib/cli/a.ts": text })).toEqual([
      "lib/cli/a.ts:1 does not open with a comment sentence that says what it is",
    ]);
  });
});

describe("exceptions", () => {
  const path = "lib/stream/operator.ts";
  const files = { [path]: "/** What it is. */\nconst runtime = import('../runtime/task.ts');\n" };
  const exception = { path, allows: "lib/runtime/task.ts", reason: "loaded only inside Lambda" };

  test("name a file, what it may do, and a reason", () => {
    expect(checkTidiness(files)).toHaveLength(1);
    expect(checkTidiness(files, [exception])).toEqual([]);
    expect(checkTidiness(files, [{ ...exception, reason: "" }])).toHaveLength(2);
  });

  test("that nothing needs are reported", () => {
    expect(checkTidiness({ [path]: "/** What it is. */" }, [exception])).toEqual([
      "lib/stream/operator.ts has an exception that nothing needs, or no reason for it: lib/runtime/task.ts",
    ]);
  });
});

test("the reader sees code behind regular expressions, templates and divisions", () => {
  const code = (text: string) => readSourceText(text).code.replaceAll(/ +/g, " ");
  expect(code("a / b / c; // d")).toBe("a / b / c; ");
  expect(code('x(/[/"]/g); y')).toBe("x(/ /g); y");
  expect(code("`a${`b${c}`}d${{ e }}f`; g")).toBe("` ${` ${c}`} ${{ e }} `; g");
  expect(code("'it\\'s'; a")).toBe("' '; a");
  expect(code("/* a */ b /** c */")).toBe(" b ");
});

/** What the checker says about one file that opens as it should. */
function problems(path: string, code: string): readonly string[] {
  return checkTidiness({ [path]: `/** A made-up file. */\n\n${code}\n` });
}

function readTree(): Record<string, string> {
  const root = new URL("../", import.meta.url);
  const files: Record<string, string> = {};
  for (const folder of ROOTS) {
    for (const entry of listFolder(new URL(`${folder}/`, root))) {
      if (/\.[cm]?[jt]sx?$/.test(entry)) {
        files[`${folder}/${entry}`] = readFileSync(new URL(`${folder}/${entry}`, root), "utf8");
      }
    }
  }
  return files;
}

/** Folders that do not exist yet are empty. */
function listFolder(url: URL): readonly string[] {
  try {
    return readdirSync(url, { recursive: true, encoding: "utf8" })
      .map((entry) => entry.replaceAll("\\", "/"))
      .filter((entry) => !entry.split("/").includes("node_modules"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
