/** The production code as the simulation uses it: one door, so that it can be loaded again with changes (variants.ts). */

// biome-ignore-all lint/performance/noBarrelFile: it is loaded as one, under another name.

export { KafkaBroker } from "../kafka/kafka-broker.ts";
export { operator } from "../lambda/operator.ts";
export { HOST } from "../runtime/host.ts";
export { openTask } from "../runtime/open-task.ts";
export { decodeOutbox, toSend } from "../runtime/outbox.ts";
export { toTaskName } from "../runtime/task-name.ts";
export { DynamoDbTable } from "../state-log/dynamodb-client.ts";
export { fromEntryItem } from "../state-log/dynamodb-items.ts";
export { DynamoDbStateLog } from "../state-log/dynamodb-state-log.ts";
export { S3BlobStore } from "../state-log/s3-blob-store.ts";
export { milliseconds } from "../stream/duration.ts";
export { json, text } from "../stream/format.ts";
export { mapState } from "../stream/process-state.ts";
export { session } from "../stream/session.ts";
export { stream } from "../stream/stream.ts";
export { topic } from "../stream/topic.ts";
export { buildTopology } from "../stream/topology.ts";
export { tumbling } from "../stream/tumbling.ts";
export { boundedOutOfOrderness } from "../stream/watermark-strategy.ts";
export { simulatedOutside } from "./simulated-outside.ts";
