/** What CloudFormation itself would refuse: cfn-lint on the templates of every kind of Kafka. It comes from PyPI into a folder of its own. */

import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Stack } from "aws-cdk-lib";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Kafka } from "millrace/cdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { existingMsk, newApp, newStack, shop } from "../cdk/synthesize.ts";

const run = promisify(execFile);
const CFN_LINT = "cfn-lint==1.58.0";
/** The CDK says its dependencies twice, where a reference would do. */
const IGNORED = ["W3005"];

let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-cfn-lint-"));
  await run("python3", ["-m", "venv", folder]);
  await run(join(folder, "bin/pip"), ["install", "--quiet", CFN_LINT]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clusters: Record<string, (stack: Stack) => Kafka> = {
  "a new provisioned cluster": () => Kafka.mskProvisioned(),
  "a new cluster of standard brokers": () =>
    Kafka.mskProvisioned({ instanceType: "kafka.t3.small", topicsBy: "cloudformation" }),
  "a new serverless cluster": () => Kafka.mskServerless(),
  "a cluster that is there": existingMsk,
  "self-managed Kafka": (stack) =>
    Kafka.selfManaged({
      bootstrapServers: ["b-1.example.com:9094"],
      login: { kind: "scram-sha-512", secret: Secret.fromSecretNameV2(stack, "Login", "login") },
    }),
};

/** What it has to say, template by template. */
async function lint(kafkaIn: (stack: Stack) => Kafka, split: "together" | "per-operator"): Promise<string> {
  const app = newApp();
  const stack = newStack("Lint", app);
  shop(stack, {
    kafka: kafkaIn(stack),
    split,
    state: { snapshotBucket: true },
    tracing: true,
    pollers: { group: "shop" },
  });
  const { directory } = app.synth();
  const templates = readdirSync(directory).filter((name) => name.endsWith(".template.json"));
  const args = ["-i", ...IGNORED, "-t", ...templates.map((name) => join(directory, name))];
  // It ends with a code where it has something to say.
  return run(join(folder, "bin/cfn-lint"), args).then(
    ({ stdout }) => stdout,
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
}

test.each(Object.entries(clusters))("%s", async (_, kafkaIn) => {
  expect(await lint(kafkaIn, "together")).toBe("");
});

test("nested stacks", async () => {
  expect(await lint(existingMsk, "per-operator")).toBe("");
});
