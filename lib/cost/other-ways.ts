/**
 * What other ways of doing the same work cost by the month at the same rate, by AWS's rules of billing and by assumptions that stand here, each in favour of
 * the other way where it is not known. Kafka is the same for all and in none of them.
 */

import { type CostLine, costLine, monthOf, totalOf } from "./cost-line.ts";
import { HOURLY, MONTHLY, SECONDS_PER_MONTH, USE } from "./prices.ts";

/** What is known of the work. */
export type Load = {
  readonly recordsPerSecond: number;
  /** Cells of keyed state that a batch changes, for each record of input. */
  readonly cellsPerRecord: number;
  /** Invocations and their GB-seconds of Millrace's functions, for each record of input: batches are the same for who writes such functions by hand. */
  readonly invocationsPerRecord: number;
  readonly gbSecondsPerRecord: number;
};

export type OtherWay = {
  readonly name: string;
  /** What is assumed, and what is not in it. */
  readonly assumes: string;
  readonly lines: readonly CostLine[];
};

/** What Flink counts into windows, exactly once, with a core of a machine like those that our figures are of. Managed Flink gives a core for each KPU. */
const RECORDS_PER_CORE = 250_000;
/** The size of a task of Fargate: a quarter of a core and half a GB at least, and two GB for each core. */
const FARGATE_VCPU_MIN = 0.25;
const GB_PER_VCPU = 2;
const KPU_STORAGE_GB = 50;

/** A handler that does nothing but its work and answers, on the smallest function. */
const RECORD_MS = 5;
const RECORD_MEMORY_MB = 128;

export function otherWays(load: Load): readonly OtherWay[] {
  return [managedFlink(load), fargate(load), invocationPerRecord(load), itemPerKey(load), itemPerRecord(load)];
}

export function dollarsOf({ lines }: OtherWay): number {
  return totalOf(lines);
}

function managedFlink({ recordsPerSecond }: Load): OtherWay {
  const kpus = Math.max(1, Math.ceil(recordsPerSecond / RECORDS_PER_CORE));
  return {
    name: "Managed Service for Apache Flink",
    assumes: `one KPU for every ${RECORDS_PER_CORE.toLocaleString("en")} records/s, one more for orchestration, no spare one for peaks and restarts, no durable backups`,
    lines: [
      monthOf("KPUs", kpus + 1, HOURLY.kpu.dollars),
      costLine("running storage", kpus * KPU_STORAGE_GB, MONTHLY.flinkGb),
    ],
  };
}

function fargate({ recordsPerSecond }: Load): OtherWay {
  const cores = recordsPerSecond / RECORDS_PER_CORE;
  const vcpu = Math.max(FARGATE_VCPU_MIN, 2 ** Math.ceil(Math.log2(cores)));
  return {
    name: "a worker on Fargate",
    assumes:
      "one task on arm64 that always runs, as fast as Flink; no second one for when it fails, and its state and its deployment are left to you",
    lines: [
      monthOf("vCPU", vcpu, HOURLY.fargateVcpu.dollars),
      monthOf("GB", vcpu * GB_PER_VCPU, HOURLY.fargateGb.dollars),
    ],
  };
}

function invocationPerRecord({ recordsPerSecond }: Load): OtherWay {
  const records = recordsPerSecond * SECONDS_PER_MONTH;
  const gbSeconds = (records * RECORD_MS * RECORD_MEMORY_MB) / 1_024 / 1_000;
  return {
    name: "an invocation per record",
    assumes: `as Restate and other durable executions do it: ${RECORD_MS} ms of ${RECORD_MEMORY_MB} MB each; without their server, its disks and the log`,
    lines: [
      costLine("Lambda, requests", records, USE.lambdaRequests),
      costLine("Lambda, time", gbSeconds, USE.lambdaGbSeconds),
    ],
  };
}

function batches({ recordsPerSecond, invocationsPerRecord, gbSecondsPerRecord }: Load): CostLine[] {
  const records = recordsPerSecond * SECONDS_PER_MONTH;
  return [
    costLine("Lambda, requests", records * invocationsPerRecord, USE.lambdaRequests),
    costLine("Lambda, time", records * gbSecondsPerRecord, USE.lambdaGbSeconds),
  ];
}

function itemPerKey(load: Load): OtherWay {
  const writes = load.recordsPerSecond * SECONDS_PER_MONTH * load.cellsPerRecord;
  return {
    name: "an item per key and batch",
    assumes:
      "the same functions and batches, a conditional write of one unit for each key that a batch touches, no reads; results may be lost or doubled around a crash",
    lines: [...batches(load), costLine("DynamoDB, writes", writes, USE.writeUnits)],
  };
}

function itemPerRecord(load: Load): OtherWay {
  const writes = load.recordsPerSecond * SECONDS_PER_MONTH * 2;
  return {
    name: "an idempotency item per record",
    assumes:
      "the same functions and batches, and as Powertools does it an item written before each record and again after it; state not included",
    lines: [...batches(load), costLine("DynamoDB, writes", writes, USE.writeUnits)],
  };
}
