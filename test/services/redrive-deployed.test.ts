/**
 * An application of one's own in an emulator of AWS, its topics under a prefix: what its code could not process is processed by the functions that are deployed
 * when the mistake is mended, each once.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { type MiniStack, startMiniStack } from "../../tools/services/ministack.ts";
import { TestTerminal } from "../cli/test-terminal.ts";

const TOPICS = `
import { json, text, topic } from "millrace";
export const lines = topic("lines", { value: text(), partitions: 2 });
export const copies = topic("copies", { value: text(), partitions: 1 });
export const counts = topic("counts", { value: json<number>(), partitions: 1 });
`;
const COUNT = `
import { operator, stream } from "millrace";
import { counts, lines } from "./topics.ts";
import { parse } from "./parse.ts";
export const handler = operator("count", stream(lines).keyBy(() => "all").map(parse).count().to(counts.from(({ value }) => value)));
`;
const COPY = `
import { operator, stream } from "millrace";
import { copies, lines } from "./topics.ts";
import { parse } from "./parse.ts";
export const handler = operator("copy", stream(lines).map(parse).to(copies));
`;
const BROKEN = `export const parse = (line: string) => { if (line.startsWith("b")) throw new Error("no b"); return line; };`;
const MENDED = `export const parse = (line: string) => line;`;
const APP = `
import { App, Stack } from "aws-cdk-lib";
import { Kafka, MillraceApp } from "millrace/cdk";
import { handler as copy } from "../functions/copy.ts";
import { handler as count } from "../functions/count.ts";
const app = new App();
const kafka = Kafka.emulated({ bootstrapServers: [app.node.tryGetContext("kafka")] });
new MillraceApp(new Stack(app, "Shop"), "Shop", { name: "shop-local", topicPrefix: "dev.", kafka, operators: [copy, count], keepState: false });
`;
const CDK = { app: "node --conditions=millrace-source --disable-warning=ExperimentalWarning infra/app.ts" };

let app = "";
let kafka: KafkaServer;
let emulator: MiniStack;
beforeAll(async () => {
  // Inside the repository, where its packages are found.
  app = mkdtempSync(join(import.meta.dirname, ".application-"));
  for (const folder of ["functions", "infra"]) mkdirSync(join(app, folder));
  const files = { "functions/topics": TOPICS, "functions/count": COUNT, "functions/copy": COPY, "infra/app": APP };
  for (const [name, code] of Object.entries(files)) writeFileSync(join(app, `${name}.ts`), code);
  writeFileSync(join(app, "functions/parse.ts"), BROKEN);
  writeFileSync(join(app, "cdk.json"), JSON.stringify(CDK));
  [kafka, emulator] = await Promise.all([startKafka(), startMiniStack()]);
});
afterAll(async () => {
  await Promise.all([kafka?.stop(), emulator?.stop()]);
  rmSync(app, { recursive: true, force: true });
});

async function run(args: readonly string[], input = ""): Promise<TestTerminal> {
  const terminal = new TestTerminal(app, input);
  const code = await main([...args, "--endpoint", emulator.endpoint], terminal);
  expect(code, `${terminal.output}\n${terminal.errors}`).toBe(0);
  return terminal;
}
const deploy = () => run(["deploy", "--local", "--kafka", kafka.bootstrap]);
const deployed = async (...args: readonly string[]) => (await run([...args, "--deployed", "shop-local"])).output;
const redrive = async (...args: readonly string[]) => JSON.parse(await deployed("dlq", "redrive", "--json", ...args));

async function read(topic: string): Promise<unknown[]> {
  const lines = (await deployed("topics", "read", topic, "--from-beginning", "--json")).split("\n").filter(Boolean);
  const records = lines.map((line) => JSON.parse(line) as { headers: Record<string, string>; value: unknown });
  return [...new Map(records.map(({ headers, value }) => [headers["millrace-id"], value])).values()].sort();
}

/** Runs the mappings until a condition holds. */
async function withMappings(condition: () => Promise<void>): Promise<void> {
  const terminal = new TestTerminal(app);
  const ended = main(["esm", "--stack", "Shop", "--endpoint", emulator.endpoint], terminal);
  try {
    await condition();
  } finally {
    terminal.interrupt();
    expect(await ended, terminal.errors).toBe(0);
  }
}

test("dead letters of deployed functions wait until the code is mended and deployed, and are counted once by a redrive", async () => {
  await deploy();
  await run(["topics", "produce", "lines", "--deployed", "shop-local"], "a1\nb1\na2\nb2\n");
  await withMappings(async () => {
    await expect.poll(() => read("copies"), { timeout: 60_000, interval: 500 }).toEqual(["a1", "a2"]);
    await expect.poll(() => redrive("--dry-run"), { timeout: 60_000, interval: 500 }).toMatchObject({ toRedrive: 4 });
  });
  expect(await deployed("topics", "list")).toContain("copy--dead-letters");
  expect(await deployed("state", "list")).toContain("count--by-key");
  expect(await redrive()).toMatchObject({ redriven: 0, failedAgain: 4 });

  writeFileSync(join(app, "functions/parse.ts"), MENDED);
  await deploy();
  const [one, other] = await Promise.all([redrive(), redrive()]);
  expect(one.redriven + other.redriven).toBe(4);
  expect(await redrive()).toMatchObject({ redriven: 0, failedAgain: 0 });
  expect(await read("copies")).toEqual(["a1", "a2", "b1", "b2"]);
  await withMappings(async () => {
    await expect.poll(() => read("counts"), { timeout: 60_000, interval: 500 }).toEqual([1, 2, 3, 4]);
  });
}, 400_000);

test("what is deployed is neither run nor reset from here, and an application that is not there is said to be missing", async () => {
  for (const [args, sentence] of [
    [["run", "--deployed", "shop-local"], "What is deployed is run by Lambda"],
    [["state", "reset", "count", "--deployed", "shop-local"], "What is deployed is run by Lambda"],
    [["state", "list", "--deployed", "store"], 'There is no function "store-copy" at http'],
  ] as const) {
    const terminal = new TestTerminal(app);
    expect(await main([...args, "--endpoint", emulator.endpoint], terminal)).toBe(2);
    expect(terminal.errors).toContain(sentence);
  }
});
