/**
 * A deployment that would leave something behind, into an emulator of AWS: refused before any function changes, rolled back, carried out where it is confirmed, and
 * taken back.
 */

import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { App } from "aws-cdk-lib";
import type { Operator } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";
import { handler as cleanLines } from "../../functions/clean-lines.ts";
import { handler as countWords } from "../../functions/count-words.ts";
import { LinesStack } from "../../infra/lines-stack.ts";
import { stageOf } from "../../infra/stages.ts";
import { type MiniStack, startMiniStack } from "../../tools/services/ministack.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CDK = createRequire(import.meta.url).resolve("aws-cdk/bin/cdk");

let folder = "";
let emulator: MiniStack;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "millrace-refused-"));
  emulator = await startMiniStack();
}, 120_000);
afterAll(async () => {
  await emulator?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The folder of what is synthesized of these operators. */
function synthesize(id: string, operators: readonly Operator[], confirmed = ""): string {
  const outdir = join(folder, id);
  const context = confirmed === "" ? {} : { "millrace:confirm": confirmed };
  const app = new App({ outdir, context, analyticsReporting: false });
  new LinesStack(app, "Lines", { stage: stageOf("local"), operators });
  app.synth();
  return outdir;
}

/** Runs the CDK's command; what it said, and whether it succeeded. */
async function cdk(...args: readonly string[]): Promise<{ readonly succeeded: boolean; readonly said: string }> {
  const env = {
    PATH: [dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: folder,
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_ACCESS_KEY_ID: `emulator${new URL(emulator.endpoint).port}`,
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    CDK_DISABLE_CLI_TELEMETRY: "1",
  };
  const options = { cwd: ROOT, env, maxBuffer: 50_000_000 };
  return promisify(execFile)(process.execPath, [CDK, ...args], options).then(
    ({ stdout, stderr }) => ({ succeeded: true, said: stdout + stderr }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ succeeded: false, said: stdout + stderr }),
  );
}

const deploy = (outdir: string) =>
  cdk("deploy", "--app", outdir, "--all", "--require-approval", "never", "--progress", "events");

async function has(functionName: string): Promise<boolean> {
  const { status } = await fetch(`${emulator.endpoint}/2015-03-31/functions/${functionName}`);
  return status === 200;
}

test("an operator that keeps something is not taken away unless that is confirmed, and comes back", async () => {
  const both = synthesize("both", [cleanLines, countWords]);
  expect(await cdk("bootstrap", "--app", both)).toMatchObject({ succeeded: true });
  const first = await deploy(both);
  expect(first.succeeded, first.said).toBe(true);
  expect(await has("lines-local-count-words")).toBe(true);

  const refused = await deploy(synthesize("refused", [cleanLines]));
  expect(refused.succeeded, refused.said).toBe(false);
  expect(refused.said.replaceAll(/\s+/g, " ")).toContain('Operator "count-words" would be gone.');
  expect(await has("lines-local-count-words")).toBe(true);

  const [id = ""] = /count-words@[0-9a-f]{8}/.exec(refused.said.replaceAll(/\s+/g, "")) ?? [];
  const confirmed = await deploy(synthesize("confirmed", [cleanLines], id));
  expect(confirmed.succeeded, confirmed.said).toBe(true);
  expect(await has("lines-local-count-words")).toBe(false);

  const back = await deploy(both);
  expect(back.succeeded, back.said).toBe(true);
  expect(await has("lines-local-count-words")).toBe(true);
}, 600_000);
