/** Whole runs of the examples, straight and with crashes; and that what verifies them notices what is wrong. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXAMPLES, findExample } from "../../examples/catalogue.ts";
import type { Example, Plan } from "../../examples/example.ts";
import { type ExampleRun, planOf, runExample } from "../../examples/run-example.ts";
import { loadApplication } from "../../lib/local/application.ts";

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

test.each(EXAMPLES)("the input of $name follows from its seed, and is over before its day is", (example) => {
  const options = { records: 2_000, seed: 1, endMs: Date.UTC(2026, 9, 2) };
  const { waves } = example.plan(options);
  expect(example.plan(options).waves).toEqual(waves);
  expect(example.plan({ ...options, seed: 2 }).waves).not.toEqual(waves);
  for (const { timestampMs } of waves.flatMap(({ records }) => records))
    expect(timestampMs).toBeLessThan(options.endMs);
});

test("input is past enough for its windows to close", () => {
  const dayOf = (now: string) => {
    let day = "";
    planOf({
      example: {
        name: "",
        title: "",
        plan({ endMs }) {
          day = new Date(endMs).toISOString();
          return { waves: [], expected: [], deadLetters: {} };
        },
      },
      records: 1,
      seed: 1,
      nowMs: Date.parse(now),
    });
    return day;
  };
  expect(dayOf("2026-10-02T02:00:00Z")).toBe("2026-10-02T00:00:00.000Z");
  expect(dayOf("2026-10-02T01:59:59Z")).toBe("2026-10-01T00:00:00.000Z");
});

test.each(EXAMPLES)("nothing in the topology of $name is probably not meant", async ({ name }) => {
  const { topology } = await loadApplication(join(examplesFolder, name));
  expect(topology.warnings).toEqual([]);
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
