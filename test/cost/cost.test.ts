/** From work to a bill: arithmetic that a person can follow, by prices that say where they are from. */

import { describe, expect, test } from "vitest";
import { pollersFor, waitMs } from "../../lib/cost/assumed.ts";
import { arithmetic, costLine, monthOf, showDollars, showNumber, totalOf } from "../../lib/cost/cost-line.ts";
import { costPerMillion, DEFAULT_TERMS, kafkaDollars, ownDollars } from "../../lib/cost/cost-of-work.ts";
import {
  type Deployed,
  idleMonth,
  isPriced,
  metricsMonth,
  storageMonth,
  trafficOf,
} from "../../lib/cost/fixed-cost.ts";
import { limitsReached } from "../../lib/cost/limits.ts";
import { dollarsOf, otherWays } from "../../lib/cost/other-ways.ts";
import { BROKERS, HOURLY, MONTHLY, PRICES_AS_OF, USE } from "../../lib/cost/prices.ts";
import type { FunctionWork, Work } from "../../lib/cost/work.ts";

const NOTHING: FunctionWork = {
  name: "count",
  memoryMb: 1_024,
  records: 0,
  invocations: 0,
  milliseconds: 0,
  commits: 0,
  cells: 0,
  writeUnits: 0,
  readUnits: 0,
  bytesRead: 0,
  bytesWritten: 0,
  logBytes: 0,
  queueRequests: 0,
};

function work(numbers: Partial<FunctionWork>, inputRecords = 1_000_000): Work {
  return { inputRecords, stateBytes: 0, functions: [{ ...NOTHING, ...numbers }] };
}

describe("prices", () => {
  test("each is positive, says what it is for, and where it is published; all have one date", () => {
    for (const price of [...Object.values(USE), ...Object.values(HOURLY), ...Object.values(MONTHLY)]) {
      expect(price.dollars).toBeGreaterThan(0);
      expect(price.per).not.toBe("");
      expect(price.source).toMatch(/^https:\/\/aws\.amazon\.com\//);
    }
    for (const dollars of Object.values(BROKERS)) expect(dollars).toBeGreaterThan(0);
    expect(PRICES_AS_OF).toMatch(/^20\d\d-\d\d-\d\d$/);
  });
});

describe("a line", () => {
  test("is a quantity in the price's own unit times the price", () => {
    const line = costLine("writes", 4_100, USE.writeUnits);
    expect(line.dollars).toBeCloseTo(0.0025625, 10);
    expect(arithmetic(line)).toBe("0.0041 million write units × $0.625 = $0.00256");
    expect(arithmetic(monthOf("cluster", 1, 0.75))).toBe("730 hours × $0.75 = $547.50");
    expect(totalOf([line, line])).toBeCloseTo(2 * line.dollars);
  });

  test.each([
    [0, "$0"],
    [0.000_012_345, "$0.0000123"],
    [0.1, "$0.1"],
    [1, "$1.00"],
    [85.555, "$85.56"],
    [1_577.4, "$1,577"],
  ])("%f dollars are shown as %s", (dollars, text) => {
    expect(showDollars(dollars)).toBe(text);
  });

  test.each([
    [0, "0"],
    [43.71, "43.7"],
    [100, "100"],
    [5_000, "5,000"],
    [0.00999999, "0.01"],
  ])("%f is shown as %s", (value, text) => {
    expect(showNumber(value)).toBe(text);
  });
});

describe("a million records", () => {
  test("cost what their work costs, computed by hand", () => {
    // 1,000 batches of 1,000 records: 20 ms of 1 GB, 4.1 units and 1,300 bytes of log each.
    const one = work({
      invocations: 1_000,
      milliseconds: 20_000,
      writeUnits: 4_100,
      readUnits: 1_000,
      logBytes: 1_300_000,
    });
    const [cost] = costPerMillion(one, DEFAULT_TERMS);
    const dollars = 0.001 * 0.2 + 20 * 0.0000133334 + 0.0041 * 0.625 + 0.001 * 0.125 + 0.0013 * 0.5;
    expect(ownDollars([cost!])).toBeCloseTo(dollars, 9);
    expect(cost?.kafka).toEqual([]);
  });

  test("cost the same, however many were measured", () => {
    const thousand = work(
      { invocations: 4, milliseconds: 80, writeUnits: 8, logBytes: 5_000, queueRequests: 3 },
      1_000,
    );
    const million = work({
      invocations: 4_000,
      milliseconds: 80_000,
      writeUnits: 8_000,
      logBytes: 5_000_000,
      queueRequests: 3_000,
    });
    const dollars = (of: Work) => ownDollars(costPerMillion(of, DEFAULT_TERMS));
    expect(dollars(thousand)).toBeCloseTo(dollars(million), 9);
  });

  test("half the memory is half the price of the time", () => {
    const timeOf = (memoryMb: number) => {
      const [cost] = costPerMillion(work({ milliseconds: 1_000_000, memoryMb }), DEFAULT_TERMS);
      return totalOf(cost!.own);
    };
    expect(timeOf(512)).toBeCloseTo(timeOf(1_024) / 2, 9);
  });

  test("of provisioned units nothing is paid by request, and traces are paid by invocation where there are any", () => {
    const one = work({ invocations: 1_000_000, writeUnits: 5, readUnits: 5 });
    const whats = (terms: Parameters<typeof costPerMillion>[1]) =>
      costPerMillion(one, terms)[0]!.own.map(({ what }) => what);
    expect(whats({ ...DEFAULT_TERMS, onDemand: false })).toEqual(["Lambda, requests"]);
    expect(whats({ ...DEFAULT_TERMS, traced: true })).toContain("X-Ray, traces");
  });

  test("Kafka's bytes are paid as the cluster is", () => {
    const one = work({ bytesRead: 3_000_000_000, bytesWritten: 1_000_000_000 });
    const dollars = (kafka: "serverless" | "express" | "standard" | "elsewhere") =>
      kafkaDollars(costPerMillion(one, { ...DEFAULT_TERMS, kafka }));
    expect(dollars("serverless")).toBeCloseTo(1 * 0.1 + 3 * 0.05);
    expect(dollars("standard")).toBeCloseTo((4 * 2 * 0.02) / 3);
    expect(dollars("express")).toBeCloseTo(dollars("standard") + 0.01);
    expect(dollars("elsewhere")).toBe(0);
  });
});

const DEPLOYED: Deployed = {
  kafka: { kind: "elsewhere" },
  endpointZones: 0,
  functions: 3,
  metricsEach: 5,
  alarms: 0,
  dashboards: 0,
  queues: 0,
  schedules: [],
  secrets: 0,
  keys: 0,
  pollers: [],
  provisioned: undefined,
};

describe("a month in which nothing flows", () => {
  const dollars = (changes: Partial<Deployed>) => totalOf(idleMonth({ ...DEPLOYED, ...changes }));

  test("costs nothing where nothing is there that is paid by the month", () => {
    expect(idleMonth(DEPLOYED)).toEqual([]);
  });

  test.each<[string, Partial<Deployed>, number]>([
    [
      "a serverless cluster with 18 partitions",
      { kafka: { kind: "serverless", partitions: 18 } },
      730 * (0.75 + 18 * 0.0015),
    ],
    [
      "three Express brokers",
      { kafka: { kind: "provisioned", instanceType: "express.m7g.large", brokers: 3, volumeGiB: undefined } },
      730 * 3 * 0.408,
    ],
    [
      "three small brokers with volumes",
      { kafka: { kind: "provisioned", instanceType: "kafka.t3.small", brokers: 3, volumeGiB: 20 } },
      730 * 3 * 0.0456 + 60 * 0.1,
    ],
    ["three endpoints in three zones", { endpointZones: 9 }, 65.7],
    ["18 alarms and a dashboard", { alarms: 18, dashboards: 1 }, 4.8],
    ["a queue that is asked five times in twenty seconds", { queues: 1 }, 0.25 * 2.628 * 0.4],
    ["a group of twelve pollers, which are two units", { pollers: [12] }, 2 * 0.185 * 730],
    ["a secret and a key", { secrets: 1, keys: 1 }, 1.4],
    ["provisioned units", { provisioned: { readUnits: 10, writeUnits: 20 } }, 730 * (10 * 0.00013 + 20 * 0.00065)],
  ])("%s", (_, changes, expected) => {
    expect(dollars(changes)).toBeCloseTo(expected, 3);
  });

  test("a schedule is paid by its ticks, their time and their look at each task", () => {
    const month = idleMonth({ ...DEPLOYED, schedules: [{ everyMinutes: 5, tasks: 4, memoryMb: 1_024 }] });
    expect(Object.fromEntries(month.map(({ what, quantity }) => [what, quantity]))).toEqual({
      "ticks: schedule": 0.00876,
      "ticks: requests": 0.00876,
      "ticks: time": expect.closeTo(8_760 * 0.02),
      "ticks: reads": 0.03504,
    });
  });

  test("metrics come with the records", () => {
    expect(metricsMonth(DEPLOYED).dollars).toBeCloseTo(15 * 0.3);
  });

  test("what lies there is paid too: state with its recovery, and a week of what is written into a cluster that grows", () => {
    const one = { ...work({ bytesWritten: 100 }, 1), stateBytes: 1024 ** 3 };
    const lies = (kafka: Deployed["kafka"]) => totalOf(storageMonth(one, 10_000, kafka));
    expect(lies({ kind: "elsewhere" })).toBeCloseTo(0.45);
    expect(lies({ kind: "serverless", partitions: 1 })).toBeCloseTo(0.45 + 604.8 * 0.1);
  });

  test("a kind of broker whose price is not known is said to be one", () => {
    const kafka = (instanceType: string) => ({ kind: "provisioned", instanceType, brokers: 3, volumeGiB: 1 }) as const;
    expect(isPriced(kafka("kafka.m99.large"))).toBe(false);
    expect(isPriced(kafka("kafka.m7g.large"))).toBe(true);
    expect(trafficOf(kafka("express.m7g.large"))).toBe("express");
    expect(trafficOf(kafka("kafka.m7g.large"))).toBe("standard");
  });
});

describe("other ways", () => {
  const load = { recordsPerSecond: 100, cellsPerRecord: 3, invocationsPerRecord: 0.01, gbSecondsPerRecord: 0.0001 };
  const dollars = (recordsPerSecond: number) =>
    Object.fromEntries(otherWays({ ...load, recordsPerSecond }).map((way) => [way.name, dollarsOf(way)]));

  test("Managed Flink has a KPU for its orchestration beside one at least for the work, each with its storage", () => {
    const flink = (rate: number) => dollars(rate)["Managed Service for Apache Flink"];
    expect(flink(100)).toBeCloseTo(2 * 0.11 * 730 + 50 * 0.1);
    expect(flink(250_001)).toBeCloseTo(3 * 0.11 * 730 + 100 * 0.1);
  });

  test("a worker costs the same whatever flows, until it is too small", () => {
    const worker = (rate: number) => dollars(rate)["a worker on Fargate"];
    expect(worker(1)).toBeCloseTo(730 * (0.25 * 0.03238 + 0.5 * 0.00356));
    expect(worker(50_000)).toBe(worker(1));
    expect(worker(100_000)).toBeCloseTo(2 * (worker(1) as number));
  });

  test("an invocation per record, an item per key and one per record grow with the records", () => {
    for (const name of ["an invocation per record", "an item per key and batch", "an idempotency item per record"])
      expect(dollars(1_000)[name]).toBeCloseTo(10 * (dollars(100)[name] as number), 5);
    const records = 262.8;
    expect(dollars(100)["an invocation per record"]).toBeCloseTo(
      records * 0.2 + records * 1e6 * 0.005 * 0.125 * 0.0000133334,
    );
    const batches = records * 0.01 * 0.2 + records * 1e6 * 0.0001 * 0.0000133334;
    expect(dollars(100)["an item per key and batch"]).toBeCloseTo(batches + records * 3 * 0.625);
    expect(dollars(100)["an idempotency item per record"]).toBeCloseTo(batches + records * 2 * 0.625);
  });
});

describe("limits", () => {
  // A second of 1,000 records.
  const second = (numbers: Partial<FunctionWork>) => limitsReached(work(numbers, 1_000), 1_000, () => 4);

  test("a function that has time and units left is not spoken of", () => {
    expect(second({ milliseconds: 2_000, writeUnits: 2_000 })).toEqual([]);
  });

  test("one that is busy for most of the time of its partitions is", () => {
    expect(second({ milliseconds: 3_600 })).toEqual([
      expect.stringContaining("count is busy for 90 % of the time of its 4 tasks"),
    ]);
  });

  test("one that writes nearly all that DynamoDB takes of its tasks is", () => {
    expect(second({ writeUnits: 4_000 })).toEqual([
      expect.stringContaining("count writes 100 % of what DynamoDB takes"),
    ]);
  });
});

test("Lambda polls with as many as the bytes ask for, never more than partitions", () => {
  expect(pollersFor(1, 4)).toBe(1);
  expect(pollersFor(5_000_001, 4)).toBe(2);
  expect(pollersFor(1e9, 4)).toBe(4);
});

test("an invocation waits for what it does", () => {
  const quiet = { committed: false, sent: false, read: false };
  expect(waitMs({ ...quiet, committed: true, sent: true }) - waitMs(quiet)).toBe(18);
  expect(waitMs({ ...quiet, read: true })).toBeGreaterThan(waitMs(quiet));
});
