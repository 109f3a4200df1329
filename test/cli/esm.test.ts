/** `millrace esm`: what is refused before anything is read. That it reads: test/services/esm.test.ts, and a stack's mappings test/services/deployed.test.ts. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { mappingsOf } from "../../lib/cli/stack-mappings.ts";
import { TestTerminal } from "./test-terminal.ts";

let folder: string;

const mapping = (topic: string, FunctionName: unknown, source: object) => ({
  Type: "AWS::Lambda::EventSourceMapping",
  Properties: { Topics: [topic], FunctionName, StartingPosition: "TRIM_HORIZON", BatchSize: 7, ...source },
});
const selfManaged = (group: string, ...servers: readonly unknown[]) => ({
  SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: servers } },
  SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: group },
});

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-esm-"));
  const out = join(folder, "cdk.out");
  mkdirSync(out);
  const write = (name: string, Resources: object) =>
    writeFileSync(join(out, `${name}.template.json`), JSON.stringify({ Resources }));
  write("Shop", {
    F: { Type: "AWS::Lambda::Function", Properties: { FunctionName: "shop-count", Code: {} } },
    M: mapping("orders", { "Fn::GetAtt": ["F", "Arn"] }, selfManaged("shop.count", "a:1", "b:2")),
    N: { Type: "AWS::CloudFormation::Stack", Metadata: { "aws:asset:path": "ShopTotal1.nested.template.json" } },
  });
  write("ShopTotal1.nested", { M: mapping("counts", "shop-total", selfManaged("shop.total", { Ref: "Unknown" })) });
  write("Other", { M: mapping("others", "other", { AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: "o" } }) });
  write("Empty", {});
  const stack = (properties: object) => ({ type: "aws:cloudformation:stack", properties });
  const artifacts = {
    Tree: { type: "cdk:tree" },
    ShopAssembly: stack({ templateFile: "Shop.template.json", stackName: "Shop" }),
    Other: stack({ templateFile: "Other.template.json" }),
    Empty: stack({ templateFile: "Empty.template.json" }),
  };
  writeFileSync(join(out, "manifest.json"), JSON.stringify({ artifacts }));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a stack's mappings are those of its template and of the stacks in it, and of no other", () => {
  const found = mappingsOf(folder, "cdk.out", "Shop");
  expect(found).toEqual([
    expect.objectContaining({ functionName: "shop-count", topic: "orders", batchSize: 7, bootstrapServers: "a:1,b:2" }),
    expect.objectContaining({ functionName: "shop-total", topic: "counts", consumerGroup: "shop.total" }),
  ]);
  expect(found[1]?.bootstrapServers).toBeUndefined();
  expect(mappingsOf(folder, "cdk.out", "ShopAssembly")).toEqual(found);
  expect(mappingsOf(folder, "cdk.out", "Other").map(({ topic }) => topic)).toEqual(["others"]);
});

const EMULATOR = ["--endpoint", "http://127.0.0.1:1"];

test.each([
  [["--topic", "orders"], "What is to be read, and by whom? Say --topic and --handler, or --stack."],
  [["--stack", "Shop"], "Where is the emulator?"],
  [["--stack", "Shop", "--batch-size", "10", ...EMULATOR], "--batch-size"],
  [["--stack", "Store", ...EMULATOR], 'There is no stack "Store" in'],
  [["--stack", "Store", ...EMULATOR], "there are ShopAssembly, Other and Empty."],
  [["--stack", "Empty", ...EMULATOR], 'Nothing in stack "Empty" reads from Kafka.'],
  [["--stack", "Shop", "--out", "nowhere", ...EMULATOR], "There are no templates in"],
])("%j is refused with a sentence", async (args, sentence) => {
  const terminal = new TestTerminal(folder);
  expect(await main(["esm", ...args], terminal)).toBe(2);
  expect(terminal.errors).toContain(sentence);
  expect(terminal.output).toBe("");
});
