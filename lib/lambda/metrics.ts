/**
 * What a deployed function says of its commits: one line per invocation in CloudWatch's embedded metric format, of which CloudWatch makes metrics without
 * a call, and which says for each commit where it stood, so that logs lead from an operator to a partition, an offset and a commit.
 */

import type { TaskReport } from "../runtime/report.ts";

export const NAMESPACE = "Millrace";
/** The dimensions of every metric, in this order. */
export const DIMENSIONS = ["Application", "Function"] as const;

/** The metrics, with what they count in CloudWatch's units. */
export const METRICS = {
  Records: "Count",
  Elements: "Count",
  Outputs: "Count",
  Late: "Count",
  NullKeys: "Count",
  DeadLetters: "Count",
  Duplicates: "Count",
  WindowsClosed: "Count",
  Commits: "Count",
  /** From the function's clock to the slowest watermark that moved; absent where no task has one. */
  WatermarkLagMs: "Milliseconds",
  /** The longest commit of the invocation, in the state log. */
  CommitMs: "Milliseconds",
  WriteUnits: "Count",
  ReadUnits: "Count",
  /** The largest entry: with a small state all of it. */
  EntryBytes: "Bytes",
} as const;

export type MetricName = keyof typeof METRICS;

/** What alarms and dashboards ask for. CloudWatch is paid by metric and month; the other figures stand in the same line of the log, where queries find them. */
export const ESSENTIAL_METRICS: readonly MetricName[] = [
  "Records",
  "Late",
  "DeadLetters",
  "WatermarkLagMs",
  "CommitMs",
];

/** Authors may count what they like, but each name is a metric that is paid for. */
const AUTHOR_METRICS_MAX = 50;

export type Invocation = {
  readonly application: string;
  readonly requestId: string | undefined;
  /** The longest that a commit of the invocation took in the state log. */
  readonly commitMs: number;
  /** Of which figures CloudWatch makes metrics, beside those of authors. */
  readonly metrics: readonly string[];
  /** When it ended. */
  readonly nowMs: number;
};

/** A line for each function that committed in the invocation. */
export function metricLines(reports: readonly TaskReport[], invocation: Invocation): readonly string[] {
  return [...Map.groupBy(reports, ({ functionName }) => functionName)].map(([name, own]) =>
    JSON.stringify(toLine(name, own, invocation)),
  );
}

function toLine(functionName: string, reports: readonly TaskReport[], invocation: Invocation): object {
  const { application, requestId, commitMs, metrics, nowMs } = invocation;
  const values: Partial<Record<MetricName, number>> = {
    ...sums(reports),
    Commits: reports.filter(({ sequenceNumber }) => sequenceNumber > 0).length,
    ...watermarkLag(reports, nowMs),
    CommitMs: commitMs,
    EntryBytes: Math.max(...reports.map(({ entryBytes }) => entryBytes)),
  };
  const counted = authorCounts(reports);
  const names = [
    ...Object.keys(values)
      .filter((name) => metrics.includes(name))
      .map((name) => ({ Name: name, Unit: METRICS[name as MetricName] })),
    ...Object.keys(counted).map((name) => ({ Name: name, Unit: "Count" })),
  ];
  return {
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [{ Namespace: NAMESPACE, Dimensions: [DIMENSIONS], Metrics: names }],
    },
    Application: application,
    Function: functionName,
    ...counted,
    ...values,
    requestId,
    tasks: reports.map(
      ({ topic, partition, checkpoint, sequenceNumber, records, outputs, changedCells, watermarkMs }) => ({
        task: `${topic}-${partition}`,
        offset: checkpoint,
        commit: sequenceNumber,
        records,
        outputs,
        cells: changedCells,
        watermark: Number.isFinite(watermarkMs) ? watermarkMs : null,
      }),
    ),
  };
}

function sums(reports: readonly TaskReport[]) {
  const sum = (of: (report: TaskReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  return {
    Records: sum(({ records }) => records),
    Elements: sum(({ elements }) => elements),
    Outputs: sum(({ outputs }) => outputs),
    Late: sum(({ late }) => late),
    NullKeys: sum(({ nullKeys }) => nullKeys),
    DeadLetters: sum(({ deadLetters }) => deadLetters),
    Duplicates: sum(({ duplicates }) => duplicates),
    WindowsClosed: sum(({ windowsClosed }) => windowsClosed),
    WriteUnits: sum(({ stateUnits }) => stateUnits?.write ?? 0),
    ReadUnits: sum(({ stateUnits }) => stateUnits?.read ?? 0),
  };
}

function watermarkLag(reports: readonly TaskReport[], nowMs: number): { readonly WatermarkLagMs?: number } {
  const watermarks = reports.map(({ watermarkMs }) => watermarkMs).filter(Number.isFinite);
  return watermarks.length === 0 ? {} : { WatermarkLagMs: Math.max(0, nowMs - Math.min(...watermarks)) };
}

/** What authors counted, under names that are not ours. */
function authorCounts(reports: readonly TaskReport[]): Record<string, number> {
  const totals = new Map<string, number>();
  for (const { authorCounts: counts } of reports)
    for (const [name, n] of Object.entries(counts)) {
      if (name in METRICS || !Number.isFinite(n)) continue;
      if (totals.has(name) || totals.size < AUTHOR_METRICS_MAX) totals.set(name, (totals.get(name) ?? 0) + n);
    }
  return Object.fromEntries(totals);
}

/** What authors logged, a line each, as Lambda's own lines look. */
export function logLines(reports: readonly TaskReport[], { requestId, nowMs }: Invocation): readonly string[] {
  return reports.flatMap(({ functionName, topic, partition, sequenceNumber, logs }) =>
    logs.map(({ level, message, fields }) =>
      JSON.stringify({
        timestamp: new Date(nowMs).toISOString(),
        level: level.toUpperCase(),
        requestId,
        function: functionName,
        task: `${topic}-${partition}`,
        commit: sequenceNumber,
        message,
        ...(fields !== undefined && { fields }),
      }),
    ),
  );
}
