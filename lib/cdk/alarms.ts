/** The alarms of a function: what a person should look at, and nothing that mends itself. */

import {
  Alarm,
  ComparisonOperator,
  type IAlarmAction,
  type Metric,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { Construct } from "constructs";
import type { FunctionPlan } from "../stream/plan.ts";
import type { FunctionSettings } from "./function-settings.ts";
import type { FunctionMetrics } from "./metrics.ts";
import { physicalName } from "./names.ts";

export type AlarmOptions = {
  /** Who is told, such as an SNS topic. Default: nobody; the alarms are seen in CloudWatch. */
  readonly actions?: readonly IAlarmAction[];
  /** How far behind a function may be. Default: 600. */
  readonly lagSeconds?: number;
};

/** An alarm as data. It rings when `periods` minutes in a row are above `above`. */
export type AlarmSpec = {
  readonly name: string;
  readonly says: string;
  readonly metric: Metric;
  readonly above: number;
  readonly periods: number;
};

const LAG_SECONDS_DEFAULT = 600;
/** A failed batch is delivered again, and most go through then. */
const FAILING_MINUTES = 5;
/** Who is throttled for longer lacks concurrency for good. */
const THROTTLED_MINUTES = 10;
/** How near to its time-out a function may come. */
const TIMEOUT_SHARE = 0.8;

/** Which alarms a function has. `timeLag`: of each topic it reads, where somebody measures it. */
export function alarmSpecs(
  plan: FunctionPlan,
  { timeoutSeconds, batch }: FunctionSettings,
  metrics: FunctionMetrics,
  timeLags: readonly Metric[],
  lagSeconds = LAG_SECONDS_DEFAULT,
): readonly AlarmSpec[] {
  const lagMinutes = Math.max(1, Math.ceil(lagSeconds / 60));
  return [
    {
      name: "errors",
      says: `Batches of ${plan.name} fail again and again; nothing behind them is processed until the cause is gone. Its log says why.`,
      metric: metrics.lambda("Errors"),
      above: 0,
      periods: FAILING_MINUTES,
    },
    {
      name: "throttles",
      says: `${plan.name} is throttled for longer than a moment: the account's concurrency does not suffice.`,
      metric: metrics.lambda("Throttles"),
      above: 0,
      periods: THROTTLED_MINUTES,
    },
    {
      name: "dead-letters",
      says: `${plan.name} set records aside: millrace dlq list shows them and the reasons.`,
      metric: metrics.own("DeadLetters"),
      above: 0,
      periods: 1,
    },
    {
      name: "near-its-timeout",
      says: `Invocations of ${plan.name} take nearly as long as they may, ${timeoutSeconds} seconds; those that take longer are repeated for ever. Give it more memory, smaller batches, or more time.`,
      metric: metrics.lambda("Duration", Stats.MAXIMUM),
      above: timeoutSeconds * 1_000 * TIMEOUT_SHARE,
      periods: 3,
    },
    // Where nobody measures the time: more offsets than it takes in one batch, for as long as it may be behind.
    ...(timeLags.length > 0
      ? timeLags.map((metric, i) => ({
          name: i === 0 ? "behind" : `behind-${i + 1}`,
          says: `${plan.name} is more than ${lagSeconds} seconds behind what is written.`,
          metric,
          above: lagSeconds,
          periods: 3,
        }))
      : [
          {
            name: "behind",
            says: `${plan.name} has had more than a batch to read for ${lagMinutes} minutes.`,
            metric: metrics.lambda("OffsetLag", Stats.MAXIMUM),
            above: batch.maxRecords,
            periods: lagMinutes,
          },
        ]),
    ...(hasEventTime(plan)
      ? [
          {
            name: "watermark-stands",
            says: `The watermark of ${plan.name} is more than ${lagSeconds} seconds behind the clock although records arrive: one partition holds it back, or records are older than their topic says.`,
            metric: metrics.own("WatermarkLagMs", Stats.MINIMUM),
            above: lagSeconds * 1_000,
            periods: lagMinutes,
          },
        ]
      : []),
  ];
}

function hasEventTime({ shuffle, sources }: FunctionPlan): boolean {
  return (
    shuffle !== undefined ||
    sources.some(({ nodes }) => nodes.some(({ watermark }) => watermark !== undefined && watermark.kind !== "none"))
  );
}

export class Alarms extends Construct {
  constructor(
    scope: Construct,
    id: string,
    application: string,
    functionName: string,
    specs: readonly AlarmSpec[],
    actions: readonly IAlarmAction[],
  ) {
    super(scope, id);
    for (const { name, says, metric, above, periods } of specs) {
      const alarm = new Alarm(this, name, {
        alarmName: `${physicalName(application, functionName)}-${name}`,
        alarmDescription: says,
        metric,
        threshold: above,
        evaluationPeriods: periods,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        // Nothing runs when nothing flows.
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
      if (actions.length > 0) alarm.addAlarmAction(...actions);
    }
  }
}
