/** An execution environment on Apache Kafka and DynamoDB, invoked with one event after the other, as Lambda does with a partition's. */

import { KafkaBroker } from "../../lib/kafka/kafka-broker.ts";
import { writeEvent } from "../../lib/local/event-json.ts";
import { newHost } from "../../lib/local/host.ts";
import type { CommitLimits } from "../../lib/runtime/commit-limits.ts";
import { HOST } from "../../lib/runtime/host.ts";
import type { Operator } from "../../lib/runtime/operator-handler.ts";
import type { BlobStore } from "../../lib/state-log/blob-store.ts";
import { type DynamoDbStateLog, openDynamoDbStateLog } from "../../lib/state-log/dynamodb-state-log.ts";
import { buildTopology } from "../../lib/stream/topology.ts";
import type { Servers } from "./servers.ts";
import { TimesByMethod, timePort } from "./timed-port.ts";

/** An invocation, from delivery to the end: its outputs are acknowledged then. */
export type Invocation = {
  readonly ms: number;
  /** Of these, what was spent waiting for each method of the log and the broker. */
  readonly waits: ReadonlyMap<string, number>;
  /** Of its commits: what was changed and what is sent. */
  readonly entryBytes: number;
};

export type Environment = {
  readonly broker: KafkaBroker;
  readonly log: DynamoDbStateLog;
  invoke(operator: Operator, event: string): Promise<Invocation>;
  /** The event over what was written to a topic of one partition since the last call. */
  newEvent(topic: string): Promise<string>;
  close(): Promise<void>;
};

/** How an environment differs from the default. */
export type EnvironmentOptions = { readonly chunkBlobs?: BlobStore; readonly commitLimits?: CommitLimits };

/** Opens it with empty topics and no state, in a table of its own. */
export async function openEnvironment(
  servers: Pick<Servers, "kafka" | "dynamodb">,
  application: string,
  operators: readonly Operator[],
  { chunkBlobs, commitLimits }: EnvironmentOptions = {},
): Promise<Environment> {
  const topology = buildTopology(
    application,
    operators.map(({ definition }) => definition),
  );
  const broker = new KafkaBroker({ brokers: [servers.kafka] });
  try {
    await broker.ensureTopics(topology.topics);
    const log = await openDynamoDbStateLog({
      endpoint: servers.dynamodb,
      table: tableOf(application),
      create: true,
      ...(chunkBlobs !== undefined && { chunkBlobs }),
    });
    const times = new TimesByMethod();
    const positions = new Map<string, number>();
    let entryBytes = 0;
    const host = newHost({
      topology,
      broker: timePort(broker, times),
      stateLog: timePort(log, times),
      now: () => Date.now(),
      wake: () => {},
      report: (report) => {
        entryBytes += report.entryBytes;
      },
      commitLimits,
    });
    const context = {
      awsRequestId: "bench",
      functionName: application,
      getRemainingTimeInMillis: () => 60_000,
      [HOST]: host,
    };
    return {
      broker,
      log,
      async invoke(operator, event) {
        times.take();
        entryBytes = 0;
        const startMs = performance.now();
        await operator(event, context);
        return { ms: performance.now() - startMs, waits: times.take(), entryBytes };
      },
      async newEvent(topic) {
        const from = positions.get(topic) ?? 0;
        const { event, nextOffset } = await readEvent(broker, topic, from);
        positions.set(topic, nextOffset);
        return event;
      },
      async close() {
        await broker.close();
        await log.close();
      },
    };
  } catch (error) {
    await broker.close();
    throw error;
  }
}

/** DynamoDB wants at least three characters. */
export function tableOf(application: string): string {
  return `bench-${application}`;
}

async function readEvent(broker: KafkaBroker, topic: string, from: number) {
  const limits = { bytesMax: 2 ** 24, recordsMax: 2 ** 20 };
  const { records: columns, nextOffset } = await broker.fetch(topic, 0, from, limits);
  const slice = { partition: 0, columns, from: 0, to: columns.count, nextOffset };
  const event = writeEvent({ eventSource: "aws:kafka", bootstrapServers: "localhost:9092", topic }, [slice]);
  return { event, nextOffset };
}
