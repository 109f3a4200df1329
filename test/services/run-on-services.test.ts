/** The same operators, unchanged, on a real Kafka and a real DynamoDB: the verified word count, straight and with crashes. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Progress } from "../../demo/progress.ts";
import type { Screen } from "../../demo/screen.ts";
import { type RunOptions, runWordCount } from "../../demo/word-count.ts";
import { startDynamoDbLocal } from "../../tools/services/dynamodb-local.ts";
import { startKafka } from "../../tools/services/kafka.ts";
import { startS3 } from "../../tools/services/s3.ts";

const root = resolve(import.meta.dirname, "../..");
const SILENT: Screen<Progress> = { show() {}, say() {}, close() {} };

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "millrace-services-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function options(services: RunOptions["services"], crash: number): RunOptions {
  return {
    kind: "run",
    inputs: [join(root, "LICENSE"), join(root, "ARCHITECTURE.md")],
    crash,
    seed: 7,
    json: true,
    services,
    root,
    stateFolder: join(folder, "unused"),
    inputFolder: folder,
    standardInput: (async function* () {})(),
    screen: SILENT,
    isWatched: false,
    signal: new AbortController().signal,
    onProblem: () => {},
  };
}

test.each([
  [0, undefined],
  [0.3, "s3://millrace-snapshots/of/words"],
])(
  "counts every word once on servers, with faults of probability %d, snapshots in %s",
  async (crash, snapshots) => {
    const [kafka, dynamodb, s3] = await Promise.all([startKafka(), startDynamoDbLocal(), startS3()]);
    try {
      const services = { kafka: kafka.bootstrap, dynamodb: dynamodb.endpoint, s3Endpoint: s3.endpoint, snapshots };
      const summary = await runWordCount(options(services, crash));
      expect(summary).toMatchObject({ verified: true });
      // A second run could not tell its lines from those that are there.
      await expect(runWordCount(options(services, crash))).rejects.toThrow(/Topic "lines" holds lines already/);
    } finally {
      await Promise.all([kafka.stop(), dynamodb.stop(), s3.stop()]);
    }
  },
  120_000,
);
