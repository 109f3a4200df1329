/** Creates the topics that are missing, and waits until they can be written. */

import { MillraceError } from "../stream/error.ts";
import type { TopicSpec } from "./broker.ts";
import { partitionMismatch } from "./broker-checks.ts";
import type { Cluster } from "./cluster.ts";
import { throwOnCode } from "./kafka-code-error.ts";
import { createTopics, listOffsets, type TopicMetadata, type TopicToCreate } from "./requests.ts";

const READY_POLL_MS = 20;

const CODE_OK = 0;
const CODE_UNKNOWN_TOPIC = 3;
const CODE_TOPIC_EXISTS = 36;
const CODE_INVALID_CONFIG = 40;

/** Event time may lie in the future; a broker refuses timestamps an hour ahead unless told so. Not every service lets a topic say it. */
const ANY_TIMESTAMP = ["message.timestamp.after.max.ms", "9223372036854775807"] as const;

/** One attempt; another does what is left. Throws "kafka" where a topic has another number of partitions than declared. */
export async function createMissingTopics(
  cluster: Cluster,
  specs: readonly TopicSpec[],
  replicationFactor: number,
  timeoutMs: number,
): Promise<void> {
  const missing = check(specs, await metadataOf(cluster, specs));
  if (missing.length === 0) return;
  const refused = await create(cluster, missing, replicationFactor, timeoutMs, [ANY_TIMESTAMP]);
  if (refused.length > 0) await create(cluster, refused, replicationFactor, timeoutMs, []);
  // A topic that was created is not there at once, on every broker, with a leader for each partition.
  for (;;) {
    const found = await metadataOf(cluster, specs);
    const isReady = ({ code, leaders }: TopicMetadata) => code === CODE_OK && !leaders.includes(-1);
    if (check(specs, found).length === 0 && [...found.values()].every(isReady)) break;
    await cluster.pause(READY_POLL_MS);
  }
  // A leader learns that it is one a moment after everybody else does.
  for (const { name, partitions } of missing)
    for (let partition = 0; partition < partitions; partition += 1)
      await cluster.askLeader({ topic: name, partition }, listOffsets(name, [partition], "end"));
}

async function metadataOf(cluster: Cluster, specs: readonly TopicSpec[]): Promise<ReadonlyMap<string, TopicMetadata>> {
  const { topics } = await cluster.metadata(specs.map(({ name }) => name));
  return new Map(topics.map((found) => [found.topic, found]));
}

/** The topics that do not exist. */
function check(specs: readonly TopicSpec[], found: ReadonlyMap<string, TopicMetadata>): readonly TopicSpec[] {
  return specs.filter(({ name, partitions }) => {
    const { code, leaders } = found.get(name) ?? { code: CODE_UNKNOWN_TOPIC, leaders: [] };
    if (code === CODE_UNKNOWN_TOPIC) return true;
    // A partition without a leader says so here.
    if (code !== CODE_OK && leaders.length === 0) throwOnCode(code, "Metadata");
    if (leaders.length !== partitions) throw partitionMismatch(name, leaders.length, partitions);
    return false;
  });
}

/** The topics that the broker refuses for what `extra` says. */
async function create(
  cluster: Cluster,
  specs: readonly TopicSpec[],
  replicationFactor: number,
  timeoutMs: number,
  extra: TopicToCreate["settings"],
): Promise<readonly TopicSpec[]> {
  const toCreate = specs.map(({ name, partitions, compacted, retentionMs }) => ({
    name,
    partitions,
    replicationFactor,
    settings: [
      ["cleanup.policy", compacted ? "compact" : "delete"] as const,
      ...(retentionMs === undefined ? [] : [["retention.ms", String(retentionMs)] as const]),
      ...extra,
    ],
  }));
  const { controllerId } = await cluster.metadata([]);
  const refused: TopicSpec[] = [];
  for (const { topic, code, reason } of await cluster.askNode(controllerId, createTopics(toCreate, timeoutMs))) {
    if (code === CODE_OK || code === CODE_TOPIC_EXISTS) continue;
    const spec = specs.find(({ name }) => name === topic);
    if (code === CODE_INVALID_CONFIG && extra.length > 0 && spec !== undefined) refused.push(spec);
    else if (reason !== "" && !isTemporary(code))
      throw new MillraceError("kafka", `Kafka did not create topic "${topic}": ${reason}`);
    else throwOnCode(code, "CreateTopics");
  }
  return refused;
}

/** Not the controller any more, timed out, or throttled: another attempt may do. */
function isTemporary(code: number): boolean {
  return [7, 41, 89].includes(code);
}
