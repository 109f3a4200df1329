/** The account of an application: what it costs while nothing flows, at each rate, and by other ways. Data; how it is shown stands elsewhere. */

import { type CostLine, totalOf } from "../../cost/cost-line.ts";
import { costPerMillion, type FunctionCost, kafkaDollars, ownDollars } from "../../cost/cost-of-work.ts";
import { idleMonth, metricsMonth, storageMonth } from "../../cost/fixed-cost.ts";
import { limitsReached } from "../../cost/limits.ts";
import { dollarsOf, type OtherWay, otherWays } from "../../cost/other-ways.ts";
import { PRICES_AS_OF, PRICES_REGION, SECONDS_PER_MONTH } from "../../cost/prices.ts";
import type { Work } from "../../cost/work.ts";
import { placesOf } from "../../local/tick.ts";
import type { Topology } from "../../stream/plan.ts";
import type { Deployment } from "./read-deployed.ts";

/** At one rate. */
export type RateAccount = {
  readonly recordsPerSecond: number;
  /** Of virtual time that was counted; undefined: it was measured elsewhere. */
  readonly secondsMeasured: number | undefined;
  readonly work: Work;
  readonly functions: readonly FunctionCost[];
  readonly dollarsPerMillion: { readonly functionsAndState: number; readonly kafkaTraffic: number };
  /** What lies there, and what metrics cost while records come. */
  readonly monthLines: readonly CostLine[];
  readonly dollarsPerMonth: {
    readonly functionsAndState: number;
    readonly kafkaTraffic: number;
    readonly fixed: number;
    readonly inAll: number;
  };
  /** A sentence for each function that cannot keep up, or hardly. */
  readonly limits: readonly string[];
  readonly otherWays: readonly (OtherWay & { readonly dollarsPerMonth: number })[];
};

export type Account = {
  readonly pricesAsOf: string;
  readonly region: string;
  /** Where the records came from. */
  readonly sample: string;
  readonly idle: readonly CostLine[];
  readonly idleDollarsPerMonth: number;
  readonly rates: readonly RateAccount[];
};

export type MeasuredRate = Pick<RateAccount, "recordsPerSecond" | "secondsMeasured" | "work">;

export function toAccount(
  { deployed, terms }: Deployment,
  topology: Topology,
  sample: string,
  measured: readonly MeasuredRate[],
): Account {
  const idle = idleMonth(deployed);
  const fixed = totalOf(idle);
  return {
    pricesAsOf: PRICES_AS_OF,
    region: PRICES_REGION,
    sample,
    idle,
    idleDollarsPerMonth: fixed,
    rates: measured.map(({ recordsPerSecond, secondsMeasured, work }) => {
      const functions = costPerMillion(work, terms);
      const own = ownDollars(functions);
      const kafka = kafkaDollars(functions);
      const monthLines = [metricsMonth(deployed), ...storageMonth(work, recordsPerSecond, deployed.kafka)];
      const millions = millionsPerMonth(recordsPerSecond);
      const paidByMonth = fixed + totalOf(monthLines);
      return {
        recordsPerSecond,
        secondsMeasured,
        work,
        functions,
        dollarsPerMillion: { functionsAndState: own, kafkaTraffic: kafka },
        monthLines,
        dollarsPerMonth: {
          functionsAndState: own * millions,
          kafkaTraffic: kafka * millions,
          fixed: paidByMonth,
          inAll: (own + kafka) * millions + paidByMonth,
        },
        limits: limitsReached(work, recordsPerSecond, (name) => tasksOf(topology, name)),
        otherWays: waysOf(work, recordsPerSecond),
      };
    }),
  };
}

export function millionsPerMonth(recordsPerSecond: number): number {
  return (recordsPerSecond * SECONDS_PER_MONTH) / 1_000_000;
}

/** 1 for a function that only figures from elsewhere know of. */
function tasksOf({ functions }: Topology, name: string): number {
  const plan = functions.find((one) => one.name === name);
  return plan === undefined ? 1 : placesOf(plan).length;
}

function waysOf({ inputRecords, functions }: Work, recordsPerSecond: number): RateAccount["otherWays"] {
  const perRecord = (of: (one: Work["functions"][number]) => number) =>
    functions.reduce((sum, one) => sum + of(one), 0) / inputRecords;
  const ways = otherWays({
    recordsPerSecond,
    cellsPerRecord: perRecord(({ cells }) => cells),
    invocationsPerRecord: perRecord(({ invocations }) => invocations),
    gbSecondsPerRecord: perRecord(({ milliseconds, memoryMb }) => (milliseconds * memoryMb) / 1_024 / 1_000),
  });
  return ways.map((way) => ({ ...way, dollarsPerMonth: dollarsOf(way) }));
}
