/** What a deployed function writes into its log: metrics that CloudWatch understands, and lines that lead to a commit. */

import { expect, test } from "vitest";
import { DIMENSIONS, logLines, METRICS, metricLines, NAMESPACE } from "../../lib/lambda/metrics.ts";
import type { TaskReport } from "../../lib/runtime/report.ts";

const invocation = {
  application: "shop",
  requestId: "r-1",
  commitMs: 7,
  metrics: Object.keys(METRICS),
  nowMs: 10_000,
};

function report(changes: Partial<TaskReport> = {}): TaskReport {
  return {
    functionName: "count",
    topic: "lines",
    partition: 0,
    sequenceNumber: 3,
    records: 2,
    outputs: 1,
    watermarkMs: 9_000,
    checkpoint: 41,
    entryBytes: 500,
    changedCells: 1,
    authorCounts: {},
    logs: [],
    elements: 4,
    late: 1,
    nullKeys: 0,
    deadLetters: 0,
    future: 0,
    duplicates: 0,
    windowsClosed: 0,
    ...changes,
  };
}

test("the tasks of an invocation make one line, whose metrics are their sums, and the slowest watermark", () => {
  const reports = [report(), report({ partition: 1, watermarkMs: 8_000, stateUnits: { read: 0.5, write: 2 } })];
  const [line, ...others] = metricLines(reports, invocation).map((text) => JSON.parse(text));
  expect(others).toEqual([]);
  expect(line).toMatchObject({
    Application: "shop",
    Function: "count",
    Records: 4,
    Late: 2,
    Commits: 2,
    WatermarkLagMs: 2_000,
    CommitMs: 7,
    WriteUnits: 2,
    requestId: "r-1",
  });
  expect(line.tasks).toContainEqual(expect.objectContaining({ task: "lines-1", offset: 41, commit: 3 }));
});

test("every metric that a line declares has a value in it, a unit, and the dimensions that alarms ask for", () => {
  const [text] = metricLines([report({ authorCounts: { paid: 2 } })], invocation);
  const line = JSON.parse(text as string);
  const [{ Namespace, Dimensions, Metrics }] = line._aws.CloudWatchMetrics;
  expect(Namespace).toBe(NAMESPACE);
  expect(Dimensions).toEqual([[...DIMENSIONS]]);
  expect(DIMENSIONS.every((name) => typeof line[name] === "string")).toBe(true);
  expect(Metrics.map(({ Name }: { Name: string }) => Name).sort()).toEqual([...Object.keys(METRICS), "paid"].sort());
  for (const { Name, Unit } of Metrics) {
    expect(line[Name]).toEqual(expect.any(Number));
    expect(["Count", "Milliseconds", "Bytes"]).toContain(Unit);
  }
});

test("of what is no metric the value stands in the line all the same, and costs nothing there", () => {
  const [text] = metricLines([report({ authorCounts: { paid: 2 } })], { ...invocation, metrics: ["Records"] });
  const line = JSON.parse(text as string);
  const [{ Metrics }] = line._aws.CloudWatchMetrics;
  expect(Metrics.map(({ Name }: { Name: string }) => Name)).toEqual(["Records", "paid"]);
  expect(line).toMatchObject({ Records: 2, EntryBytes: 500, Elements: 4 });
});

test("a task without a watermark has no lag", () => {
  const [text] = metricLines([report({ watermarkMs: Number.NEGATIVE_INFINITY })], invocation);
  expect(JSON.parse(text as string)).not.toHaveProperty("WatermarkLagMs");
});

test("an author's count cannot take the place of a metric, and a loop of names cannot make thousands of them", () => {
  const many = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`n${i}`, 1]));
  const [text] = metricLines([report({ authorCounts: { Records: 1_000, ...many } })], invocation);
  const line = JSON.parse(text as string);
  expect(line.Records).toBe(2);
  expect(line._aws.CloudWatchMetrics[0].Metrics).toHaveLength(Object.keys(METRICS).length + 50);
});

test("an author's line names function, task and commit", () => {
  const logs = [{ level: "warn", message: "odd", fields: { id: 1 } }] as const;
  expect(logLines([report({ logs })], invocation).map((text) => JSON.parse(text))).toEqual([
    {
      timestamp: "1970-01-01T00:00:10.000Z",
      level: "WARN",
      requestId: "r-1",
      function: "count",
      task: "lines-0",
      commit: 3,
      message: "odd",
      fields: { id: 1 },
    },
  ]);
});
