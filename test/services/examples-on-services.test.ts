/** The examples, unchanged, on a real Kafka and a real DynamoDB, while invocations crash. */

import { resolve } from "node:path";
import { expect, test } from "vitest";
import { EXAMPLES } from "../../examples/catalogue.ts";
import { type ExampleRun, runExample } from "../../examples/run-example.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { startKafka } from "../../tools/services/kafka.ts";

const examplesFolder = resolve(import.meta.dirname, "../../examples");

test("every example's results equal a direct computation on servers", async () => {
  const [kafka, dynamodb] = await Promise.all([startKafka(), startDynamoDbLocal()]);
  try {
    const run: Omit<ExampleRun, "example"> = {
      examplesFolder,
      stateFolder: "unused",
      records: 2_000,
      seed: 7,
      crash: 0.2,
      services: { kafka: kafka.bootstrap, dynamodb: dynamodb.endpoint },
      nowMs: Date.now(),
      screen: { show() {}, say() {}, close() {} },
      signal: new AbortController().signal,
      onProblem: () => {},
    };
    for (const example of EXAMPLES)
      expect(await runExample({ ...run, example })).toMatchObject({ example: example.name, verified: true });
    // A second run could not tell what it wrote from what is there.
    for (const example of EXAMPLES.slice(0, 1))
      await expect(runExample({ ...run, example })).rejects.toThrow(/Topic "access-log" has records already/);
  } finally {
    await Promise.all([kafka.stop(), dynamodb.stop()]);
  }
}, 240_000);
