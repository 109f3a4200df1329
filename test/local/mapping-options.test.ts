/** Options of an event source mapping are refused where Lambda refuses them, with a sentence. */

import { describe, expect, test } from "vitest";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { MemoryBroker } from "../../lib/local/memory-broker.ts";

describe("options that Lambda refuses", () => {
  const base = {
    broker: new MemoryBroker(),
    topic: "in",
    consumerGroup: "g",
    function: { name: "f", handler: () => {} },
  };

  test.each([
    [{ batchSize: 10_001 }, "batchSize 10001; it must be a whole number from 1 to 10000"],
    [{ batchSize: 0 }, "batchSize 0"],
    [{ batchWindowMs: 300_001 }, "batchWindowMs 300001; it must be a whole number from 0 to 300000"],
    [{ payloadBytesMax: 7_000_000 }, "payloadBytesMax 7000000"],
    [{ maximumRetryAttempts: 3 }, "asks for maximumRetryAttempts, which Lambda has only in provisioned mode"],
    [
      { maximumRecordAgeSeconds: 60, bisectBatchOnFunctionError: true },
      "asks for maximumRecordAgeSeconds, bisectBatchOnFunctionError, which",
    ],
    [{ reportBatchItemFailures: true }, "asks for reportBatchItemFailures"],
    [{ onFailure: { topic: "failed" } }, "asks for a Kafka topic as onFailure"],
    [{ mode: "provisioned", onFailure: { topic: "in" } }, "has the same topic as onFailure"],
    [{ mode: "provisioned", maximumRecordAgeSeconds: 59 }, "maximumRecordAgeSeconds 59"],
    [{ mode: "provisioned", maximumRetryAttempts: 10_001 }, "maximumRetryAttempts 10001"],
    [{ function: { name: "f", handler: () => {}, timeoutMs: 900_000 } }, 'Function "f" has a time limit of 900000 ms'],
  ] as const)("%j", (options, sentence) => {
    expect(() => new EventSourceMapping({ ...base, ...options })).toThrow(sentence);
  });
});
