/** What a deployed application costs by the month, whatever flows: Kafka, endpoints, what is looked at, and what polls and ticks while nothing flows. */

import { type CostLine, costLine, monthOf } from "./cost-line.ts";
import type { KafkaTraffic } from "./cost-of-work.ts";
import { BROKERS, HOURLY, MONTHLY, SECONDS_PER_MONTH, USE } from "./prices.ts";
import type { Work } from "./work.ts";

export type DeployedKafka =
  | { readonly kind: "serverless"; readonly partitions: number }
  | {
      readonly kind: "provisioned";
      readonly instanceType: string;
      readonly brokers: number;
      /** Of each; an Express broker's grows by itself. */
      readonly volumeGiB: number | undefined;
    }
  /** Somebody else's bill. */
  | { readonly kind: "elsewhere" };

/** What a stack makes that is paid by the month. */
export type Deployed = {
  readonly kafka: DeployedKafka;
  /** Interface endpoints, each as often as it has zones. */
  readonly endpointZones: number;
  readonly functions: number;
  readonly metricsEach: number;
  readonly alarms: number;
  readonly dashboards: number;
  readonly queues: number;
  /** How often each schedule ticks, in minutes, and how many tasks it ticks. */
  readonly schedules: readonly { readonly everyMinutes: number; readonly tasks: number; readonly memoryMb: number }[];
  readonly secrets: number;
  readonly keys: number;
  /** Pollers that are always there, by the group or the mapping that they belong to. */
  readonly pollers: readonly number[];
  readonly provisioned: { readonly readUnits: number; readonly writeUnits: number } | undefined;
};

/** Lambda asks a queue so often while nothing is in it: five connections, each answered after 20 seconds. */
const EMPTY_RECEIVES_PER_SECOND = 5 / 20;
/** A tick of tasks with nothing to do looks at their logs and ends. */
const QUIET_TICK_MS = 20;
const READ_UNITS_PER_QUIET_TASK = 1;
/** What one unit pays for: 20 MB/s together, at up to 5 each. */
const POLLERS_PER_UNIT = 10;

/** A month in which nothing flows. */
export function idleMonth(deployed: Deployed): readonly CostLine[] {
  const { endpointZones, alarms, dashboards, queues, schedules, secrets, keys, pollers, provisioned } = deployed;
  const units = pollers.reduce((sum, count) => sum + Math.ceil(count / POLLERS_PER_UNIT), 0);
  const ticks = schedules.map((schedule) => ({
    ...schedule,
    calls: SECONDS_PER_MONTH / 60 / schedule.everyMinutes,
  }));
  const sum = (of: (tick: (typeof ticks)[number]) => number) => ticks.reduce((total, tick) => total + of(tick), 0);
  const lines = [
    ...kafkaMonth(deployed.kafka),
    monthOf("network endpoints", endpointZones, HOURLY.interfaceEndpoint.dollars),
    monthOf("pollers of one's own", units, HOURLY.pollerUnit.dollars),
    monthOf("DynamoDB, provisioned writes", provisioned?.writeUnits ?? 0, HOURLY.provisionedWriteUnit.dollars),
    monthOf("DynamoDB, provisioned reads", provisioned?.readUnits ?? 0, HOURLY.provisionedReadUnit.dollars),
    costLine("CloudWatch, alarms", alarms, MONTHLY.alarm),
    costLine("CloudWatch, dashboards", dashboards, MONTHLY.dashboard),
    costLine("SQS, asking empty queues", queues * EMPTY_RECEIVES_PER_SECOND * SECONDS_PER_MONTH, USE.queueRequests),
    costLine(
      "ticks: schedule",
      sum(({ calls }) => calls),
      USE.schedules,
    ),
    costLine(
      "ticks: requests",
      sum(({ calls }) => calls),
      USE.lambdaRequests,
    ),
    costLine(
      "ticks: time",
      sum(({ calls, memoryMb }) => (calls * QUIET_TICK_MS * memoryMb) / 1_024 / 1_000),
      USE.lambdaGbSeconds,
    ),
    costLine(
      "ticks: reads",
      sum(({ calls, tasks }) => calls * tasks * READ_UNITS_PER_QUIET_TASK),
      USE.readUnits,
    ),
    costLine("Secrets Manager", secrets, MONTHLY.secret),
    costLine("KMS, keys", keys, MONTHLY.key),
  ];
  return lines.filter(({ quantity }) => quantity > 0);
}

/** What comes with the first record of a month: a metric is paid in the hours in which it has values. */
export function metricsMonth({ functions, metricsEach }: Deployed): CostLine {
  return costLine("CloudWatch, metrics", functions * metricsEach, MONTHLY.metric);
}

/** Whether the price of its brokers is known. */
export function isPriced(kafka: DeployedKafka): boolean {
  return kafka.kind !== "provisioned" || BROKERS[kafka.instanceType] !== undefined;
}

/** How its bytes are paid. */
export function trafficOf(kafka: DeployedKafka): KafkaTraffic {
  if (kafka.kind !== "provisioned") return kafka.kind;
  return kafka.instanceType.startsWith("express.") ? "express" : "standard";
}

function kafkaMonth(kafka: DeployedKafka): readonly CostLine[] {
  switch (kafka.kind) {
    case "elsewhere":
      return [];
    case "serverless":
      return [
        monthOf("MSK Serverless, cluster", 1, HOURLY.mskServerless.dollars),
        monthOf("MSK Serverless, partitions", kafka.partitions, HOURLY.mskServerlessPartition.dollars),
      ];
    case "provisioned": {
      const { brokers, instanceType, volumeGiB = 0 } = kafka;
      return [
        monthOf(`MSK, brokers ${instanceType}`, brokers, BROKERS[instanceType] ?? 0),
        costLine("MSK, volumes", brokers * volumeGiB, MONTHLY.brokerGb),
      ];
    }
    default:
      return kafka satisfies never;
  }
}

/** Topics keep records for a week where nobody says otherwise. */
const RETENTION_SECONDS = 7 * 24 * 3_600;

/** What lies there at a rate: state with its recovery, and what functions wrote into topics. Volumes of brokers are paid whatever lies on them. */
export function storageMonth(
  { stateBytes, inputRecords, functions }: Work,
  recordsPerSecond: number,
  kafka: DeployedKafka,
): readonly CostLine[] {
  const written = functions.reduce((sum, { bytesWritten }) => sum + bytesWritten, 0) / inputRecords;
  const traffic = trafficOf(kafka);
  const isByUse = traffic === "serverless" || traffic === "express";
  const lies = isByUse ? written * recordsPerSecond * RETENTION_SECONDS : 0;
  return [
    costLine("DynamoDB, state", stateBytes, MONTHLY.tableBytes),
    costLine("DynamoDB, recovery of it", stateBytes, MONTHLY.recoveryBytes),
    costLine("MSK, a week of what is written", lies / 1_000_000_000, MONTHLY.brokerGb),
  ].filter(({ quantity }) => quantity > 0);
}
