/** Whole runs of the examples, straight and with crashes; and that what verifies them notices what is wrong. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLES, findExample } from "../../examples/catalogue.ts";
import type { Example, Plan } from "../../examples/example.ts";
import { type ExampleRun, planOf, runExample } from "../../examples/run-example.ts";

const examplesFolder = resolve(import.meta.dirname, "../../examples");
const NOW_MS = Date.now();

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-examples-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runs = 0;
function runOf(example: Example, more: Partial<ExampleRun> = {}): ExampleRun {
  runs += 1;
  return {
    example,
    examplesFolder,
    stateFolder: join(folder, `state-${runs}`),
    records: 2_000,
    seed: 5,
    crash: 0,
    services: undefined,
    nowMs: NOW_MS,
    screen: { show() {}, say() {}, close() {} },
    signal: new AbortController().signal,
    onProblem: (sentence) => expect.fail(sentence),
    ...more,
  };
}

describe.concurrent("the results equal a direct computation", () => {
  test.each(EXAMPLES)(
    "$name, with crashes",
    async (example) => {
      const summary = await runExample(runOf(example, { crash: 0.4, seed: 7 }));
      expect(summary).toMatchObject({ verified: true, problems: [] });
      for (const count of Object.values(summary.results)) expect(count).toBeGreaterThan(0);
      expect(summary.sample.length).toBeGreaterThan(0);
    },
    60_000,
  );
});

describe("what verifies", () => {
  const [example] = EXAMPLES as readonly [Example];
  const withPlan = (change: (plan: Plan) => Plan) =>
    runExample(runOf({ ...example, plan: (options) => change(example.plan(options)) }, { records: 200 }));

  test("notices a result that is not there, and one too many", async () => {
    const summary = await withPlan((plan) => ({
      ...plan,
      expected: plan.expected.map((some, i) => (i === 0 ? { ...some, values: some.values.slice(1) } : some)),
    }));
    expect(summary.verified).toBe(false);
    expect(summary.problems).toEqual([expect.stringContaining("which should not be there.")]);
  });

  test("notices a wrong result, and a missing dead letter", async () => {
    const summary = await withPlan((plan) => ({
      ...plan,
      expected: plan.expected.map((some) => ({ ...some, isRight: () => false })),
      deadLetters: { "service-minutes": 1_000 },
    }));
    expect(summary.verified).toBe(false);
    expect(summary.problems[0]).toMatch(/^service-minutes has .* instead of /);
    expect(summary.problems.at(-1)).toMatch(
      /^service-minutes has .* dead letters?, and there are 1000 broken records\.$/,
    );
  });
});

test.each(EXAMPLES)("the input of $name follows from its seed", (example) => {
  const input = (seed: number) => planOf({ ...runOf(example), seed }).waves;
  expect(input(1)).toEqual(input(1));
  expect(input(1)).not.toEqual(input(2));
});

test("every folder of examples is listed, and stands in the README", () => {
  const folders = readdirSync(examplesFolder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = EXAMPLES.map(({ name }) => name);
  const applications = folders.map(({ name }) => name).filter((name) => !name.startsWith("."));
  expect(applications.sort()).toEqual([...names].sort());
  const readme = readFileSync(join(examplesFolder, "README.md"), "utf8");
  for (const name of names) expect(readme).toContain(`npm run example -- ${name}`);
});

test("an example that is not there gets a sentence", () => {
  expect(() => findExample("logs")).toThrow(/^There is no example "logs"; there are: log-analytics/);
});
