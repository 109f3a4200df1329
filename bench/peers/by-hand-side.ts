/** Runs a Lambda written by hand with the local poller, over all of a topic; says "done" when it is. Started as a process of its own. */

import { setTimeout as sleep } from "node:timers/promises";
import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { EventSourceMapping } from "../../lib/local/event-source-mapping.ts";
import { newHandler, type Way } from "./by-hand.ts";
import { cpuSecondsOf } from "./process-use.ts";

/** Records in an invocation: the most that Lambda gives, so that a key has as many in a batch as can be. */
const BATCH = 10_000;
const TIMEOUT_MS = 600_000;
const LOOK_MS = 20;

export type TakenByHand = { readonly cpuSeconds: number; readonly wallSeconds: number; readonly writeUnits: number };

const [kafka, dynamodb, topic, table, way] = process.argv.slice(2) as [string, string, string, string, Way];
// Whoever started this is gone.
process.stdin.on("end", () => process.exit(1)).resume();
const broker = new KafkaBroker({ brokers: [kafka] });
const { handler, writeUnits } = newHandler(way, dynamodb, table);
const stopping = new AbortController();
const mapping = new EventSourceMapping({
  broker,
  topic,
  consumerGroup: table,
  function: { name: way, handler, timeoutMs: TIMEOUT_MS },
  batchSize: BATCH,
  batchWindowMs: 0,
  observe(notice) {
    if (notice.kind === "invoked" && notice.outcome.kind !== "succeeded")
      process.stderr.write(`${String(notice.outcome.error)}\n`);
  },
});
const cpuBefore = cpuSecondsOf(process.pid);
const startMs = performance.now();
const running = mapping.run(stopping.signal);
while (!(await mapping.isCaughtUp())) await sleep(LOOK_MS);
const taken: TakenByHand = {
  cpuSeconds: cpuSecondsOf(process.pid) - cpuBefore,
  wallSeconds: (performance.now() - startMs) / 1_000,
  writeUnits: writeUnits(),
};
stopping.abort();
await running;
process.stdout.write(`${JSON.stringify(taken)}\n`);
process.exit(0);
