/** The engine under measure: operators with their commits on a log and a broker in memory, invoked with events as Lambda would. */

import { writeEvent } from "../lib/local/event-json.ts";
import { newHost } from "../lib/local/host.ts";
import { MemoryBroker } from "../lib/local/memory-broker.ts";
import { HOST } from "../lib/runtime/host.ts";
import type { Operator } from "../lib/runtime/operator-handler.ts";
import type { TaskReport } from "../lib/runtime/report.ts";
import { MemoryStateLog } from "../lib/state-log/memory-state-log.ts";
import type { StateLog } from "../lib/state-log/state-log.ts";
import { buildTopology } from "../lib/stream/topology.ts";

export type Engine = {
  readonly broker: MemoryBroker;
  readonly reports: TaskReport[];
  invoke(event: string): Promise<unknown>;
  /** The shuffles of the operator's functions, in the order of the data. */
  readonly shuffles: readonly string[];
  /** The events for what was written to a topic of one partition since the last call, one record each. */
  newEvents(topic: string): Promise<string[]>;
  /** Drops what is in topics of one partition: who writes much need not keep it. */
  forgetTopics(): Promise<void>;
};

/** A new engine for one operator, with empty topics and no state. `partitions`: of every topic; those that are declared, if not given. */
export async function newEngine(
  operator: Operator,
  partitions?: number,
  stateLog: StateLog = new MemoryStateLog(),
): Promise<Engine> {
  const topology = buildTopology(
    "bench",
    [operator.definition],
    partitions === undefined ? undefined : () => partitions,
  );
  const broker = new MemoryBroker();
  await broker.ensureTopics(
    topology.topics.map(({ name, partitions }) => ({ name, partitions, compacted: false, retentionMs: undefined })),
  );
  const reports: TaskReport[] = [];
  const host = newHost({
    topology,
    broker,
    stateLog,
    now: () => Date.now(),
    wake: () => {},
    report: (report) => reports.push(report),
  });
  const context = {
    awsRequestId: "bench",
    functionName: operator.operatorName,
    getRemainingTimeInMillis: () => 60_000,
    [HOST]: host,
  };
  const positions = new Map<string, number>();
  const invoke = (event: string) => operator(event, context);
  return {
    broker,
    reports,
    invoke,
    shuffles: topology.functions.flatMap(({ shuffle }) => (shuffle === undefined ? [] : [shuffle.name])),
    async newEvents(topic) {
      const position = positions.get(topic) ?? 0;
      const events = await readEvents(broker, topic, position);
      positions.set(topic, position + events.length);
      return events;
    },
    async forgetTopics() {
      for (const { name } of topology.topics) {
        const [range] = await broker.offsets(name);
        await broker.deleteRecords(name, 0, range?.high ?? 0);
      }
    },
  };
}

/** The events that a mapping with a batch size of one would send for a topic of one partition, from an offset on. */
async function readEvents(broker: MemoryBroker, topic: string, from: number): Promise<string[]> {
  const high = (await broker.offsets(topic))[0]?.high ?? 0;
  const events: string[] = [];
  for (let at = from; at < high; ) {
    const { records, nextOffset } = await broker.fetch(topic, 0, at, { bytesMax: 2 ** 30, recordsMax: 1 });
    const slice = { partition: 0, columns: records, from: 0, to: records.count, nextOffset };
    events.push(writeEvent({ eventSource: "aws:kafka", bootstrapServers: "localhost:9092", topic }, [slice]));
    at = nextOffset;
  }
  return events;
}
