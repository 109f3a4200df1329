/** Synthesis as a whole: the same twice, within CloudFormation's limits for many operators, and this repository's own app from its command. */

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { minutes, operator, stream, tumbling } from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LinesStack } from "../../infra/lines-stack.ts";
import { stageOf } from "../../infra/stages.ts";
import { readAssembly } from "../../lib/local/lambda-runtime/assembly.ts";
import { counts, lines, newApp, newStack, shop } from "./synthesize.ts";

const ROOT = resolve(import.meta.dirname, "../..");
/** Of resources in one stack. */
const CLOUDFORMATION_RESOURCES_MAX = 500;

function manyOperators(count: number) {
  return Array.from({ length: count }, (_, i) =>
    operator(
      `count-${i}`,
      stream(lines)
        .keyBy((line) => line)
        .window(tumbling(minutes(1)))
        .count()
        .to(counts.from(({ value }) => value)),
    ),
  );
}

/** Every file of an assembly, by name. */
function synthesize(operators: number): Map<string, string> {
  const app = newApp();
  shop(newStack("Many", app), { operators: manyOperators(operators), split: "per-operator" });
  const { directory } = app.synth();
  const files = readdirSync(directory).filter((name) => name.endsWith(".template.json"));
  return new Map(files.map((name) => [name, readFileSync(join(directory, name), "utf8")]));
}

test("the same operators make the same bytes", () => {
  expect(synthesize(3)).toEqual(synthesize(3));
});

test("the first operator stands where it stands beside eleven others", () => {
  const [alone, among] = [synthesize(1), synthesize(12)];
  const nested = [...alone.keys()].filter((name) => name !== "Many.template.json");
  expect(nested).toHaveLength(1);
  for (const name of nested) expect(among.get(name)).toBe(alone.get(name));
});

test("of fifty operators each has a stack of its own, far below CloudFormation's limit, and nothing moves when one is added", () => {
  const fifty = synthesize(50);
  expect(fifty.size).toBe(51);
  for (const text of fifty.values())
    expect(Object.keys(JSON.parse(text).Resources).length).toBeLessThan(CLOUDFORMATION_RESOURCES_MAX);
  const more = synthesize(51);
  for (const [name, text] of fifty) if (name !== "Many.template.json") expect(more.get(name)).toBe(text);
});

describe("this repository's own app", () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "millrace-synth-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("is synthesized with its bundles, by the command of cdk.json and without credentials", async () => {
    const stage = "dev";
    const { app, context } = JSON.parse(readFileSync(join(ROOT, "cdk.json"), "utf8")) as {
      app: string;
      context: Record<string, unknown>;
    };
    const [command, ...args] = app.split(" ");
    expect(command).toBe("node");
    const out = join(folder, stage);
    const env = { PATH: process.env.PATH, CDK_OUTDIR: out, CDK_CONTEXT_JSON: JSON.stringify({ ...context, stage }) };
    await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
    const functions = readAssembly(out).functions.map(({ name }) => name);
    expect(functions).toEqual(
      expect.arrayContaining([`lines-${stage}-count-words--by-key`, `lines-${stage}-clean-lines`]),
    );
    const bundles = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith("index.mjs"),
    );
    expect(bundles.length).toBeGreaterThanOrEqual(2);
    expect(readdirSync(out).filter((name) => name.startsWith("millrace-"))).toEqual([]);
  });

  test("has a stage with brokers of its own, and says which there are", () => {
    const app = newApp();
    new LinesStack(app, "Lines", { stage: stageOf("prod"), operators: manyOperators(1) });
    const { directory } = app.synth();
    expect(readFileSync(join(directory, "Lines.template.json"), "utf8")).toContain('"AWS::MSK::Cluster"');
    expect(() => stageOf("staging")).toThrow('There is no stage "staging"; there are local, dev, prod');
  });
});
