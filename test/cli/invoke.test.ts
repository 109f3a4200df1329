/** `millrace invoke`: a function out of what `cdk synth` leaves. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { TestTerminal } from "./test-terminal.ts";

vi.setConfig({ testTimeout: 60_000 });

let folder: string;

const functionOf = (name: string, asset: string, Variables: object) => ({
  Type: "AWS::Lambda::Function",
  Properties: {
    FunctionName: name,
    Runtime: "nodejs24.x",
    Handler: "index.handler",
    MemorySize: 512,
    Timeout: 10,
    Code: { S3Bucket: { "Fn::Sub": "assets" }, S3Key: `${asset}.zip` },
    Environment: { Variables: { MILLRACE_APPLICATION: "shop", ...Variables } },
  },
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-invoke-"));
  const asset = join(folder, "cdk.out", "asset.abc");
  mkdirSync(asset, { recursive: true });
  writeFileSync(
    join(asset, "index.mjs"),
    `export const handler = (event) => {
       if (event.fail) throw new Error("refused");
       console.log("heard", event.word);
       const { TABLE_NAME, KAFKA_BOOTSTRAP_SERVERS, MILLRACE_KAFKA_TLS, QUEUE, GREETING } = process.env;
       return { word: event.word, TABLE_NAME, KAFKA_BOOTSTRAP_SERVERS, MILLRACE_KAFKA_TLS, QUEUE, GREETING };
     };`,
  );
  const Resources = {
    Table1: { Type: "AWS::DynamoDB::GlobalTable", Properties: {} },
    Queue1: { Type: "AWS::SQS::Queue", Properties: { QueueName: "wake-ups" } },
    Count: functionOf("shop-count", "abc", {
      TABLE_NAME: { "Fn::Join": ["", ["of-", { Ref: "Table1" }]] },
      QUEUE: { Ref: "Queue1" },
      GREETING: "hello",
      MILLRACE_KAFKA_TLS: "true",
      KAFKA_BOOTSTRAP_SERVERS: { "Fn::GetAtt": ["Servers", "Text"] },
    }),
    Nested: { Type: "AWS::CloudFormation::Stack", Properties: { Parameters: { tableRef: { Ref: "Table1" } } } },
  };
  const nested = { Total: functionOf("shop-total", "abc", { TABLE_NAME: { Ref: "tableRef" } }) };
  const write = (name: string, all: object) =>
    writeFileSync(join(folder, "cdk.out", `${name}.template.json`), JSON.stringify({ Resources: all }));
  write("Shop", Resources);
  write("ShopTotal.nested", nested);
  writeFileSync(join(folder, "e.json"), '{"word":"to"}');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function invoke(args: readonly string[], input = "") {
  const terminal = new TestTerminal(folder, input);
  const code = await main(["invoke", ...args], terminal);
  return { code, output: terminal.output, errors: terminal.errors };
}

const HERE = ["--kafka", "127.0.0.1:9092"];

test("shows the response, and beside it logs, duration and memory", async () => {
  const { code, output, errors } = await invoke(["count", "--event", "e.json", ...HERE]);
  expect(errors).toMatch(/^Known only when it is deployed, and left out here: QUEUE; --env says them\.\nheard to\n/);
  expect(errors).toMatch(/\nshop-count [\w-]+: succeeded in \d+ ms, loaded in \d+ ms.*\n$/);
  expect(JSON.parse(output)).toEqual({
    word: "to",
    TABLE_NAME: "of-Table1",
    KAFKA_BOOTSTRAP_SERVERS: "127.0.0.1:9092",
    MILLRACE_KAFKA_TLS: "false",
    GREETING: "hello",
  });
  expect(code).toBe(0);
});

test("takes the event from standard input, its name in AWS, and variables that are set, unset, or told to a nested stack", async () => {
  const own = ["--env", "QUEUE=mine", "--env", "GREETING=", "--json"];
  const { output, errors } = await invoke(["shop-count", "--event", "-", ...HERE, ...own], '{"word":"be"}');
  expect(errors).toBe("");
  const { response, logs, durationMs } = JSON.parse(output);
  expect(response).toMatchObject({ word: "be", QUEUE: "mine" });
  expect(response.GREETING).toBeUndefined();
  expect(logs).toEqual(["heard be"]);
  expect(durationMs).toBeGreaterThan(0);
  const nested = await invoke(["total", "--event", "e.json", "--json"]);
  expect(JSON.parse(nested.output).response.TABLE_NAME).toBe("Table1");
});

test("ends with 1 where the function fails, and shows why", async () => {
  const { code, errors, output } = await invoke(["total", "--event", "-"], '{"fail":true}');
  expect(code).toBe(1);
  expect(errors).toMatch(/: failed in \d+ ms.*\nError: refused\n\s+at handler/);
  expect(output).toBe("");
});

test.each([
  [["sum", "--event", "e.json"], 'There is no function "sum" in the templates; there are shop-count'],
  [["count", "--event", "e.json"], "Only a deployment knows where the Kafka of shop-count is: say --kafka"],
  [["count", "--event", "none.json"], "none.json cannot be read"],
  [["count", "--event", "-"], "Standard input is no JSON"],
  [["count", "--event", "e.json", "--env", "=x"], "It takes NAME=value"],
  [["count", "--event", "e.json", "--out", "nowhere"], "npx cdk synth makes them"],
])("%j is refused with a sentence", async (args, sentence) => {
  const { code, errors } = await invoke(args);
  expect(code).toBe(2);
  expect(errors).toContain(sentence);
});
