/** What a million records cost on AWS: three operators on 150-byte page views, by the work that `millrace cost` counts and by list prices. */

import { boundedOutOfOrderness, json, operator, seconds, stream, text, topic, tumbling } from "millrace";
import { measureWork } from "../lib/cli/cost/measure-work.ts";
import { costPerMillion, DEFAULT_TERMS, kafkaDollars, ownDollars } from "../lib/cost/cost-of-work.ts";
import { TUNINGS, WITH_LOG, WITHOUT_LOG } from "../lib/cost/deployed-defaults.ts";
import { buildTopology } from "../lib/stream/topology.ts";
import type { PageView } from "./events.ts";
import { viewRecord } from "./events.ts";
import type { ProgressOf, Row, Section } from "./section.ts";

const KEYS = 300;
const SECONDS = 30;

const VIEWS = "views";

/** One filter and two windowed aggregates, as files of operators say them, over topics with so many partitions. */
function newOperators(partitions: number) {
  const views = topic(VIEWS, { value: json<PageView>(), watermark: boundedOutOfOrderness(seconds(1)), partitions });
  const failures = topic("failures", { value: json<PageView>(), partitions });
  const counts = topic("counts", { key: text(), value: json<{ count: number; startMs: number }>(), partitions });
  const waits = topic("waits", { key: text(), value: json<{ ms: number; startMs: number }>(), partitions });
  return [
    operator(
      "failures",
      stream(views)
        .filter((view) => view.status >= 500)
        .to(failures),
    ),
    operator(
      "count-by-user",
      stream(views)
        .keyBy((view) => view.user)
        .window(tumbling(seconds(60)))
        .count()
        .to(counts.from(({ value, window }) => ({ count: value, startMs: window.startMs }))),
    ),
    operator(
      "wait-by-country",
      stream(views)
        .keyBy((view) => view.country)
        .window(tumbling(seconds(10)))
        .average((view) => view.ms)
        .to(waits.from(({ value, window }) => ({ ms: value, startMs: window.startMs }))),
    ),
  ];
}

type Setting = {
  readonly recordsPerSecond: number;
  readonly partitions: number;
  readonly windowSeconds: number;
  readonly target?: string;
};

const { balanced, throughput } = TUNINGS;
const SETTINGS: readonly Setting[] = [
  { recordsPerSecond: 10_000, partitions: 4, windowSeconds: balanced.windowSeconds, target: "≤ 0.012" },
  { recordsPerSecond: 10_000, partitions: 4, windowSeconds: throughput.windowSeconds, target: "≤ 0.012" },
  { recordsPerSecond: 100, partitions: 4, windowSeconds: balanced.windowSeconds },
  { recordsPerSecond: 100, partitions: 4, windowSeconds: throughput.windowSeconds },
  { recordsPerSecond: 100, partitions: 4, windowSeconds: 15, target: "≤ 0.02" },
  { recordsPerSecond: 100, partitions: 1, windowSeconds: balanced.windowSeconds },
  { recordsPerSecond: 100, partitions: 1, windowSeconds: throughput.windowSeconds, target: "≤ 0.02" },
];

export async function cost(progressOf: ProgressOf): Promise<Section> {
  const progress = progressOf("cost");
  const rows: Row[] = [];
  for (const [i, { recordsPerSecond, partitions, windowSeconds, target }] of SETTINGS.entries()) {
    const { work } = await measureWork({
      topology: buildTopology(
        "cost",
        newOperators(partitions).map(({ definition }) => definition),
      ),
      sample: newSample(),
      recordsPerSecond,
      // At least four batches behind those that warm up.
      seconds: Math.max(SECONDS, 4 * windowSeconds),
      sizeOf: ({ commits }) => ({
        memoryMb: (commits ? WITH_LOG : WITHOUT_LOG).memoryMb,
        maxRecords: TUNINGS.throughput.maxRecords,
        windowSeconds,
      }),
      onProgress: (share) => progress(i + share, SETTINGS.length),
    });
    const costs = costPerMillion(work, { ...DEFAULT_TERMS, kafka: "serverless" });
    const own = ownDollars(costs);
    const units = work.functions.reduce((sum, { writeUnits }) => sum + writeUnits, 0) / work.inputRecords;
    rows.push({
      what: `${recordsPerSecond.toLocaleString("en")} records/s, ${partitions} ${partitions === 1 ? "partition" : "partitions"}, gathered for ${windowSeconds} s`,
      figure: `$${own.toFixed(4)} a million, ${units.toFixed(4)} write units a record; MSK Serverless's traffic $${kafkaDollars(costs).toFixed(4)}`,
      value: own,
      unit: "dollars per million records",
      ...(target !== undefined && { target }),
    });
  }
  progress(1, 1);
  return {
    title: `functions, state and log of three operators (one filter, two windowed aggregates), ${KEYS} keys, prices of us-east-1`,
    rows,
  };
}

/** Page views without an end. */
function newSample() {
  let n = 0;
  return {
    next(nowMs: number) {
      const record = { ...viewRecord(n, KEYS), timestampMs: nowMs };
      n += 1;
      return { topic: VIEWS, record };
    },
    hasEnded: () => false,
    recordBytes: () => 150,
  };
}
