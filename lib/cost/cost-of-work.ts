/** From work to a bill: what each function costs for a million records of input. */

import { type CostLine, costLine, totalOf } from "./cost-line.ts";
import { USE } from "./prices.ts";
import { type FunctionWork, perMillion, type Work } from "./work.ts";

/** Who carries the records, as far as it is paid by bytes. "elsewhere": on another bill. */
export type KafkaTraffic = "serverless" | "express" | "standard" | "elsewhere";

/** How things are paid that can be had in two ways. */
export type Terms = {
  readonly kafka: KafkaTraffic;
  /** Whether units of the table are paid by request; else they are part of what is paid by the month. */
  readonly onDemand: boolean;
  readonly traced: boolean;
};

/** What is paid for the functions and their state, and what for carrying records. */
export type FunctionCost = {
  readonly name: string;
  readonly own: readonly CostLine[];
  readonly kafka: readonly CostLine[];
};

export const DEFAULT_TERMS: Terms = { kafka: "elsewhere", onDemand: true, traced: false };

/** Of three zones a client and the leader of a partition are in the same once. */
const OTHER_ZONE_SHARE = 2 / 3;
const MB_PER_GB = 1_024;

/** A million records' bill of each function, in the order of `work`. */
export function costPerMillion(work: Work, terms: Terms): readonly FunctionCost[] {
  return perMillion(work).map((one) => ({
    name: one.name,
    own: withoutNothing(ownLines(one, terms)),
    kafka: withoutNothing(kafkaLines(one, terms.kafka)),
  }));
}

function ownLines(work: FunctionWork, { onDemand, traced }: Terms): CostLine[] {
  const gbSeconds = (work.milliseconds / 1_000) * (work.memoryMb / MB_PER_GB);
  return [
    costLine("Lambda, requests", work.invocations, USE.lambdaRequests),
    costLine("Lambda, time", gbSeconds, USE.lambdaGbSeconds),
    ...(onDemand
      ? [
          costLine("DynamoDB, writes", work.writeUnits, USE.writeUnits),
          costLine("DynamoDB, reads", work.readUnits, USE.readUnits),
        ]
      : []),
    costLine("CloudWatch, log", work.logBytes, USE.logBytes),
    costLine("SQS, wake-ups", work.queueRequests, USE.queueRequests),
    ...(traced ? [costLine("X-Ray, traces", work.invocations, USE.traces)] : []),
  ];
}

function kafkaLines({ bytesRead, bytesWritten }: FunctionWork, kafka: KafkaTraffic): CostLine[] {
  const between = () => costLine("data between zones", (bytesRead + bytesWritten) * OTHER_ZONE_SHARE, USE.crossZone);
  switch (kafka) {
    case "serverless":
      return [
        costLine("MSK, data in", bytesWritten, USE.mskServerlessIn),
        costLine("MSK, data out", bytesRead, USE.mskServerlessOut),
      ];
    case "express":
      return [costLine("MSK, data in", bytesWritten, USE.mskExpressIn), between()];
    case "standard":
      return [between()];
    case "elsewhere":
      return [];
    default:
      return kafka satisfies never;
  }
}

function withoutNothing(lines: readonly CostLine[]): readonly CostLine[] {
  return lines.filter(({ dollars }) => dollars > 0);
}

/** Functions and state of all functions together, a million records. */
export function ownDollars(costs: readonly FunctionCost[]): number {
  return costs.reduce((sum, { own }) => sum + totalOf(own), 0);
}

export function kafkaDollars(costs: readonly FunctionCost[]): number {
  return costs.reduce((sum, { kafka }) => sum + totalOf(kafka), 0);
}
