/** `millrace esm`: any handler, any Kafka. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { main } from "../../lib/cli/main.ts";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { type KafkaServer, startKafka } from "../../tools/services/kafka.ts";
import { TestTerminal } from "../cli/test-terminal.ts";

let kafka: KafkaServer;
let folder = "";
beforeAll(async () => {
  kafka = await startKafka();
  folder = mkdtempSync(join(tmpdir(), "millrace-esm-"));
});
afterAll(async () => {
  await kafka?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("invokes a plain Lambda handler with a topic's records, and goes on where it stopped", async () => {
  const seen = join(folder, "seen");
  // A handler as people have it: it knows nothing of Millrace.
  writeFileSync(
    join(folder, "my-handler.ts"),
    `import { appendFileSync } from "node:fs";
     export const handler = async (event: { records: Record<string, { value: string }[]> }) => {
       for (const record of Object.values(event.records).flat())
         appendFileSync(${JSON.stringify(seen)}, Buffer.from(record.value, "base64").toString() + "\\n");
     };`,
  );
  const broker = new KafkaBroker({ brokers: [kafka.bootstrap] });
  const topic = { name: "orders", partitions: 1, compacted: false, retentionMs: undefined };
  await broker.ensureTopics([topic]);
  const produce = (text: string) =>
    broker.produce([
      {
        topic: "orders",
        partition: 0,
        records: [{ key: null, value: Buffer.from(text), timestampMs: Date.now(), headers: [] }],
      },
    ]);
  const esm = (...more: string[]) => {
    const terminal = new TestTerminal(folder);
    const args = ["esm", "--topic", "orders", "--handler", "my-handler.ts", "--kafka", kafka.bootstrap];
    return { terminal, ended: main([...args, "--batch-window", "0", ...more], terminal) };
  };

  await produce("first");
  const first = esm();
  await first.terminal.showsLines(2);
  first.terminal.interrupt();
  expect(await first.ended).toBe(0);
  expect(first.terminal.output).toMatch(
    /^Reading orders for .*\n1 record of partition 0 in \d+ ms\nStopped after 1 record\.\n$/,
  );

  await produce("second");
  const second = esm();
  await second.terminal.showsLines(2);
  second.terminal.interrupt();
  expect(await second.ended).toBe(0);
  expect(readFileSync(seen, "utf8")).toBe("first\nsecond\n");

  const refused = esm("--retries", "3");
  expect(await refused.ended).toBe(2);
  expect(refused.terminal.errors).toMatch(/only in provisioned mode/);
  const missing = new TestTerminal(folder);
  const args = ["esm", "--topic", "nowhere", "--handler", "my-handler.ts", "--kafka", kafka.bootstrap];
  expect(await main(args, missing)).toBe(2);
  expect(missing.errors).toBe('There is no topic "nowhere"; there are: orders.\n');
  await broker.close();
}, 60_000);
