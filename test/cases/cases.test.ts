/**
 * Runs every case of this folder, and of another file or folder: `MILLRACE_CASES=/path/to/suite.json npx vitest run --project local test/cases`. README.md says what
 * is in such a file.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { suite } from "./case-format.ts";
import { MANNERS, runCase } from "./run-case.ts";

for (const file of [...filesOf(import.meta.dirname), ...filesOf(process.env.MILLRACE_CASES)]) {
  const { about, cases } = read(file);
  describe(about, () => {
    for (const one of cases)
      test.each(MANNERS)(`${one.name}, $name`, async (manner) => {
        await runCase(one, manner);
      });
  });
}

test("a case that expects something else fails, and names the step", async () => {
  const wrong = suite.parse({
    about: "nothing",
    cases: [
      {
        name: "a wrong sum",
        pipeline: { window: { tumbling: 10 }, result: "sum" },
        steps: [{ send: [["a", 1, 0]] }, { watermark: 9 }, { expect: [{ key: "a", value: 2 }] }],
      },
    ],
  });
  await expect(runCase(wrong.cases[0]!, MANNERS[0]!)).rejects.toThrow('step 3: {"expect"');
});

test("a result that nobody expects fails", async () => {
  const quiet = suite.parse({
    about: "nothing",
    cases: [
      {
        name: "no expectation",
        pipeline: { window: { tumbling: 10 }, result: "sum" },
        steps: [{ send: [["a", 1, 0]] }, { watermark: 9 }],
      },
    ],
  });
  await expect(runCase(quiet.cases[0]!, MANNERS[0]!)).rejects.toThrow("results after the last expectation");
});

function read(file: string) {
  const found = suite.safeParse(JSON.parse(readFileSync(file, "utf8")));
  if (found.success) return found.data;
  throw new Error(`${file} is no suite of cases: ${found.error.message}`);
}

function filesOf(path: string | undefined): string[] {
  if (path === undefined) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".json"))
    .sort()
    .map((name) => join(path, name));
}
